"""What a command costs: seconds, processor, memory, and what it writes to disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Cost:
    """Of one run: `memory` is the largest of one process, `written` what went to disk, in bytes."""

    seconds: float
    processor: float
    memory: int
    written: int


@dataclass(frozen=True)
class Contender:
    """A command line for bash, and what is done before each run outside of the clock."""

    name: str
    line: str
    before: Callable[[], object] = lambda: None


def run(contender: Contender, variables: Mapping[str, str]) -> Cost:
    """Run once, with a home and a folder for temporary files of its own."""
    contender.before()
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, **variables, "HOME": home, "TMPDIR": home}
        for name in ("CONFIG", "CACHE", "DATA", "STATE"):
            environment[f"XDG_{name}_HOME"] = f"{home}/{name.lower()}"
        found = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _LAUNCHER, f"set -eo pipefail; {contender.line}"],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
    status, *costs = json.loads(found.stdout)
    if status:
        raise SystemExit(f"{contender.name}: {contender.line}\n{found.stderr[-2000:]}")
    return Cost(*costs)


# A process is charged with the memory of the one that started it, until it executes something
# else: so a small one starts it.
_LAUNCHER = """
import os, sys, time
begin = time.perf_counter()
child = os.posix_spawn("/bin/bash", ["bash", "-c", sys.argv[1]], os.environ, file_actions=[
    (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
_, status, usage = os.wait4(child, 0)
print([status, time.perf_counter() - begin, usage.ru_utime + usage.ru_stime,
       usage.ru_maxrss * 1024, usage.ru_oublock * 512])
"""


def compare(
    title: str, contenders: Sequence[Contender], variables: Mapping[str, str], turns: int
) -> str:
    """Run all in turn, and return a table of medians; ratios are to the last one, the anchor.

    A ratio of times is the median over turns, each turn compared with itself: on a machine that
    others use as well, neighbours in time are alike and nothing else is.
    """
    costs: dict[str, list[Cost]] = {contender.name: [] for contender in contenders}
    for turn in range(turns + 1):
        for contender in contenders:
            cost = run(contender, variables)
            if turn:  # The first warms the caches.
                costs[contender.name].append(cost)
    anchor = costs[contenders[-1].name]
    lines = [
        f"### {title}",
        "",
        "| | seconds | times the anchor | processor s | memory MiB | written MiB |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name, found in costs.items():
        ratio = median(a.seconds / b.seconds for a, b in zip(found, anchor, strict=True))
        lines.append(
            f"| {name} | {median(c.seconds for c in found):.2f} | {ratio:.2f} "
            f"| {median(c.processor for c in found):.2f} "
            f"| {max(c.memory for c in found) >> 20} | {max(c.written for c in found) >> 20} |"
        )
    table = "\n".join(lines)
    sys.stdout.write(table + "\n\n")
    sys.stdout.flush()
    return table


def folder_emptied(path: Path) -> Callable[[], None]:
    """What makes a folder new before a run."""

    def empty() -> None:
        subprocess.run(["rm", "-rf", str(path)], check=True)
        path.mkdir(parents=True)

    return empty
