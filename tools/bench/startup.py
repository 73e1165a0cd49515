"""How long the tools take to start, as multiples of `python -c pass` in the same run.

tools/bench/startup.py    prints one line per command; fails when a limit is passed

The listing asks a sandbox in another process, with a login that is in the cache.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCRIPTS = Path(sysconfig.get_path("scripts"))
ROUNDS = 25
# The longest that each command may take, in starts of a bare Python.
LIMITS = {
    "xnatctl --version": 2.0,
    "xnat-ls --help": 5.0,
    "xnat-ls projects": 20.0,
}


def main() -> int:
    """Measure and compare."""
    commands = {line: [str(SCRIPTS / line.split()[0]), *line.split()[1:]] for line in LIMITS}
    with sandbox():
        seconds = fastest({"": [sys.executable, "-c", "pass"], **commands})
    bare = seconds.pop("")
    late = 0
    for line, limit in LIMITS.items():
        ratio = seconds[line] / bare
        late += ratio > limit
        verdict = "ok" if ratio <= limit else f"above {limit:g}"
        sys.stdout.write(f"{line:<26}{seconds[line] * 1000:7.1f} ms {ratio:6.2f} x  {verdict}\n")
    return 1 if late else 0


@contextmanager
def sandbox() -> Iterator[None]:
    """A server with a project, named in the environment, and a home of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [str(SCRIPTS / "xnat-sandbox"), "serve", "--data", f"{folder}/data"]
        os.environ.update(HOME=folder, XNAT_USER="admin", XNAT_PASS="admin")
        for name in ("CONFIG", "CACHE", "DATA", "STATE"):
            os.environ[f"XDG_{name}_HOME"] = f"{folder}/{name.lower()}"
        with subprocess.Popen([*command, "--port", "0"], stdout=subprocess.PIPE, text=True) as app:
            assert app.stdout
            os.environ["XNAT_URL"] = app.stdout.readline().split()[-1]
            put = [str(SCRIPTS / "xnat-rest"), "put", "/data/projects/P1", "--quiet"]
            subprocess.run(put, check=True, stdout=subprocess.DEVNULL)
            try:
                yield
            finally:
                app.terminate()


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
