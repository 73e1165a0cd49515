"""How long the tools take to start, as multiples of `python -c pass` in the same run.

tools/bench/startup.py    prints one line per command; fails when a limit is passed
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import time
from pathlib import Path

SCRIPTS = Path(sysconfig.get_path("scripts"))
ROUNDS = 25
# The longest that each command may take, in starts of a bare Python.
LIMITS = {
    "xnatctl --version": 2.0,
    "xnat-ls --help": 5.0,
}


def main() -> int:
    """Measure and compare."""
    commands = {line: [str(SCRIPTS / line.split()[0]), *line.split()[1:]] for line in LIMITS}
    seconds = fastest({"": [sys.executable, "-c", "pass"], **commands})
    bare = seconds.pop("")
    late = 0
    for line, limit in LIMITS.items():
        ratio = seconds[line] / bare
        late += ratio > limit
        verdict = "ok" if ratio <= limit else f"above {limit:g}"
        sys.stdout.write(f"{line:<26}{seconds[line] * 1000:7.1f} ms {ratio:6.2f} x  {verdict}\n")
    return 1 if late else 0


def fastest(commands: dict[str, list[str]]) -> dict[str, float]:
    """The shortest of several runs of each command, taken in turn: the machine may be busy."""
    best = dict.fromkeys(commands, float("inf"))
    for _ in range(ROUNDS):
        for name, command in commands.items():
            begin = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            best[name] = min(best[name], time.perf_counter() - begin)
    return best


if __name__ == "__main__":
    sys.exit(main())
