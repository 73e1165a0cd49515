"""Measure downloads: memory of the largest sessions, and what a request for one file costs.

Usage: python tools/bench/download.py [FOLDER]

Makes, in FOLDER (default: a temporary one; about 6 GB), a session of 200,000 small files and one of
5 GB, downloads each twice in a process of its own, and prints seconds and the most memory that it
had; a second run must transfer nothing. Then 1,000 small files come by a request each, and 1 GB of
large ones as an archive: what a request costs times how fast an archive streams is how many bytes a
request is worth, the constant REQUEST_WORTH of xnat_download.fetching. A network adds its round
trip to the one and takes from the other; both are printed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import Any

from xnat_core.client import XNATClient
from xnat_core.files import new_md5
from xnat_core.progress import Progress
from xnat_core.records import Record
from xnat_download.engine import Engine, Options
from xnat_sandbox.app import Sandbox
from xnat_sandbox.httpd import WebServer
from xnat_sandbox.model import Experiment, Owner

PROGRAM = Path(sysconfig.get_path("scripts")) / "xnat-download"
LIMIT = 150 << 20


def main() -> int:
    """Measure and print."""
    if sys.argv[1:2] == ["--compare"]:
        # In a process of its own: the server must not share an interpreter with it.
        worth(sys.argv[2], Path(sys.argv[3]), *map(json.loads, sys.argv[4:]))
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(sys.argv[1]) if sys.argv[1:] else Path(temporary)
        sandbox = Sandbox(folder / "xnat")
        server = WebServer(sandbox)
        server.start()
        try:
            many = furnish(sandbox, "MANY", 200_000, 500)
            large = furnish(sandbox, "LARGE", 1_000, 5_000_000)
            too_much = [memory(server.url, folder, one) for one in (many, large)]
            sessions = furnish(sandbox, "TINY", 1_000, 100), furnish(sandbox, "BIG", 200, 5_000_000)
            records = [json.dumps(record_of(server.url, one)) for one in sessions]
            words = [sys.executable, __file__, "--compare", server.url, str(folder), *records]
            subprocess.run(words, check=True)
        finally:
            server.stop()
            sandbox.close()
    return int(any(too_much))


def furnish(sandbox: Sandbox, label: str, files: int, size: int) -> Experiment:
    """A session of one scan with many equal files, linked where the disk allows it."""
    store = sandbox.store
    items, resources = store.items, store.resources
    if items.project("P1") is None:
        items.create_project("P1", accessibility="private", prearchive_code=0)
        items.create_subject("P1", "S1", fields={})
    owner = items.subject_in("P1", "S1")
    assert owner is not None
    kind = "xnat:mrSessionData"
    session = items.create_experiment("P1", label, kind, subject_id=owner.id, fields={})
    scan = items.create_scan(session.id, "1", "xnat:mrScanData", fields={"type": "T1w"})
    found = resources.ensure(Owner.of(scan), "DICOM")
    data, digest = os.urandom(size), new_md5()
    digest.update(data)
    resources.put_bytes(found, "seed", data)
    seed = resources.path(found, "seed")
    sql = "INSERT INTO file VALUES (?,?,?,?,?,?,?)"
    with store.database.transaction():
        for number in range(files - 1):
            name = f"{number:07}.dcm"
            if number % 50_000 == 49_999:
                # A file has room for some 65,000 links.
                seed = seed.with_name(name)
                seed.write_bytes(data)
            else:
                os.link(seed, seed.with_name(name))
            store.database.execute(sql, (found.number, name, size, digest.hexdigest(), *[""] * 3))
    return session


def memory(url: str, folder: Path, session: Experiment) -> bool:
    """Download a session twice; whether it took more memory than it may."""
    worst = 0
    for outcome in ("done", "skipped"):
        begun = time.monotonic()
        process = subprocess.Popen(
            [PROGRAM, "--out", folder / "out", "--url", url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "XNAT_URL": url, "XNAT_USER": "admin", "XNAT_PASS": "admin"},
        )
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps(record_of(url, session)).encode() + b"\n")
        process.stdin.close()
        peak = 0
        while process.poll() is None:
            peak = max(peak, high_water_mark(process.pid))
            time.sleep(0.05)
        record = json.loads(process.stdout.read())
        assert record["outcome"] == outcome, record
        worst = max(worst, peak)
        seconds = time.monotonic() - begun
        sys.stdout.write(f"{session.label} {outcome}: {seconds:.1f} s, {peak / 1e6:.0f} MB\n")
    return worst > LIMIT


def high_water_mark(pid: int) -> int:
    """The most memory (bytes) that a process has had so far."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0


def worth(url: str, folder: Path, tiny: Record, big: Record) -> None:
    """Print how many bytes of a stream a request is worth."""
    with XNATClient(url, "admin", "admin") as client:
        singly = min(seconds_for(client, folder / f"t{n}", tiny, "singly") for n in range(3))
        stream = min(seconds_for(client, folder / f"b{n}", big, "stream") for n in range(3))
    request, rate = singly / 1_000, 200 * 5_000_000 / stream
    sys.stdout.write(
        f"a request {request * 1e3:.1f} ms, a stream {rate / 1e6:.0f} MB/s: "
        f"a request is worth {request * rate / (1 << 20):.2f} MiB\n"
    )


def seconds_for(client: XNATClient, out: Path, record: Record, how: str) -> float:
    """Download into an empty folder with one worker."""
    from xnat_download import fetching

    reported: list[Record] = []
    choose: Any = fetching._by_archive
    fetching._by_archive = lambda *_: how == "stream"
    begun = time.monotonic()
    try:
        options = Options(out, workers=1)
        engine = Engine(options, lambda _: client, reported.append, print, Progress(None))
        engine.run([record])
    finally:
        fetching._by_archive = choose
    assert reported[-1]["outcome"] == "done", reported[-1]
    return time.monotonic() - begun


def record_of(url: str, session: Experiment) -> Record:
    """The record of a session."""
    facts = {"id": session.id, "label": session.label, "project": session.project}
    return {"kind": "session", "server": url, **facts}


if __name__ == "__main__":
    sys.exit(main())
