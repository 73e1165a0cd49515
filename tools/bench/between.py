"""A transfer between two servers, beside a download and an upload of the same session.

Usage: python tools/bench/between.py [FILES] [TURNS]

FILES (1000) instances of 512 KiB in eight series, TURNS (3) that count. Both servers are sandboxes
in processes of their own, which are much of the work here: compare the two rows, and look at memory
and at what is written to disk, which is the client's alone.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from measure import Contender, compare
from transfers import BIN, LOGIN, SCANS

from xnat_core.client import XNATClient
from xnat_sandbox.samples import write_series


@contextmanager
def serving(data: Path) -> Iterator[str]:
    """The URL of a sandbox in a process of its own."""
    command = [f"{BIN}/xnat-sandbox", "serve", "--data", str(data), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def fill(folder: Path, url: str, files: int) -> None:
    """Upload a session to project A."""
    for series in range(1, SCANS + 1):
        write_series(folder / str(series), series=series, instances=files // SCANS, rows=512)
    with XNATClient(url, "admin", "admin") as client:
        client.put("/data/projects/A")
    command = [
        f"{BIN}/xnat-upload",
        "dicom",
        str(folder),
        *["-P", "A", "-S", "S1", "-E", "E1", "--quiet"],
    ]
    variables = {**os.environ, **LOGIN, "XNAT_URL": url, "HOME": str(folder.parent)}
    subprocess.run(command, env=variables, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Measure both ways."""
    given = [int(word) for word in sys.argv[1:]]
    files, turns = [*given, *(1000, 3)[len(given) :]]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        source = stack.enter_context(serving(folder / "source"))
        dest = stack.enter_context(serving(folder / "dest"))
        fill(folder / "incoming", source, files)
        numbers = itertools.count(1)
        ends = folder / "ends"

        def another_project() -> None:
            project = f"B{next(numbers)}"
            with XNATClient(dest, "admin", "admin") as client:
                client.put(f"/data/projects/{project}")
            subprocess.run(["rm", "-rf", str(folder / "out")], check=True)
            ends.write_text(project)

        logins = {"username": "admin", "password": "admin"}
        profiles = {"source": {"url": source, **logins}, "dest": {"url": dest, **logins}}
        config = folder / "config.json"
        config.write_text(json.dumps({"default_profile": "source", "profiles": profiles}))
        settled = f"install -Dm600 {config} ~/config/xnatctl/config.yaml"
        transfer = f"{BIN}/xnat-transfer run -p source -P A --dest-profile dest"
        there = f"{BIN}/xnat-download session -p source -P A -E E1 --out {folder}/out -w 4"
        back = f"{BIN}/xnat-upload dicom {folder}/out -p dest -S S1 -E E1"
        compare(
            f"From server to server, {files} x 512 KiB",
            [
                Contender(
                    "xnat-transfer",
                    f"{settled}; {transfer} --dest-project $(cat {ends})",
                    another_project,
                ),
                Contender(
                    "xnat-download, xnat-upload",
                    f"{settled}; {there}; {back} -P $(cat {ends})",
                    another_project,
                ),
            ],
            {},
            turns,
        )


if __name__ == "__main__":
    main()
