"""Documents whose commands are run: blocks of `sh`, and after one perhaps what it prints.

A block of `text` right behind a block of `sh` is its standard output, where `…` stands for anything
within a line and a line of `…` for any lines. Blocks marked `sh not-run` are shown only.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```(\S*)[ ]*([^\n]*)\n(.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Step:
    """Commands of a document, the line they begin at, and what they should print."""

    line: int
    commands: str
    output: str | None


def steps(document: Path) -> Iterator[Step]:
    """The steps of a document in their order."""
    text = document.read_text()
    blocks = list(_BLOCK.finditer(text))
    for number, block in enumerate(blocks):
        language, marks, commands = block.groups()
        if language not in ("sh", "bash") or "not-run" in marks:
            continue
        behind = blocks[number + 1] if number + 1 < len(blocks) else None
        shown = None
        if behind and behind[1] == "text" and not text[block.end() : behind.start()].strip():
            shown = behind[3]
        yield Step(text.count("\n", 0, block.start()) + 2, commands, shown)


class Shell:
    """A bash that goes on from step to step: its directory and exported variables stay."""

    def __init__(self, home: Path, variables: Mapping[str, str]) -> None:
        self._state = home / ".state"
        self._place = home / ".place"
        self._place.write_text(str(home))
        self._variables = {**os.environ, **variables}

    def run(self, commands: str, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        """Run commands as a person with `set -euo pipefail` would."""
        script = f"""
            [ -e {self._state} ] && source {self._state}
            cd "$(cat {self._place})"
            set -euo pipefail
            trap 'export -p > {self._state}; pwd > {self._place}' EXIT
        """
        return subprocess.run(
            ["bash", "-c", script + "\n" + commands],
            env=self._variables,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )


def follow(document: Path, shell: Shell) -> int:
    """Run every step of a document and compare what it prints; returns the number of steps."""
    count = 0
    for step in steps(document):
        answer = shell.run(step.commands)
        where = f"{document.name}:{step.line}\n{step.commands}"
        assert answer.returncode == 0, f"{where}\n{answer.stdout}\n{answer.stderr}"
        if step.output is not None:
            pattern = expected(step.output)
            assert re.fullmatch(pattern, answer.stdout), f"{where}\n{answer.stdout}"
        count += 1
    return count


def expected(output: str) -> str:
    """The regular expression that a shown output stands for."""
    lines = output.rstrip("\n").split("\n")
    patterns = [
        r"(?:.*\n)*" if line.strip() == "…" else re.escape(line).replace("…", ".*?") + r"\n"
        for line in lines
    ]
    return "".join(patterns)
