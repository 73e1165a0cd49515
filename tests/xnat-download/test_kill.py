"""A process that ends at any moment leaves nothing wrong, and the next one completes its work."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import subprocess
import sysconfig
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.downloads import Downloader, Spoiler, slowly
from xnat_download.partial import PART

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "xnat-download")
RANDOM = random.Random(7)
SCANS = {
    str(scan): {f"{n}.dcm": RANDOM.randbytes(20_000) for n in range(30)} for scan in range(1, 4)
}
WANTED = {
    f"MR1/scans/{scan}/resources/DICOM/files/{name}": data
    for scan, files in SCANS.items()
    for name, data in files.items()
}


def started(download: Downloader, *words: str) -> subprocess.Popen[str]:
    """The tool in a process of its own, with its record."""
    process = subprocess.Popen(
        [PROGRAM, "--out", str(download.out), *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(download.record("MR1")) + "\n")
    process.stdin.close()
    return process


def until(process: subprocess.Popen[str], download: Downloader, count: int) -> None:
    """Wait until that many files are there."""
    deadline = time.monotonic() + 30
    while len(finished(download)) < count and time.monotonic() < deadline:
        assert process.poll() is None, "ended before it could be stopped"
        time.sleep(0.01)


def finished(download: Downloader) -> dict[str, bytes]:
    """The files under their final names."""
    return {
        path: data
        for path, data in download.files().items()
        if not PART.fullmatch(path.rpartition("/")[2])
    }


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGKILL, -9), (signal.SIGTERM, 143), (signal.SIGINT, 130)],
)
def test_a_stopped_run_is_completed_by_the_same_command(
    download: Downloader, number: int, status: int
) -> None:
    download.xnat.has_session("P1", "S1", "MR1", SCANS)
    Spoiler(download.xnat, "format=tar", slowly(50, 0.03), times=3)
    process = started(download, "--workers", "2")
    until(process, download, 5)
    process.send_signal(number)
    assert process.wait(10) == status
    there = finished(download)
    assert 0 < len(there) < len(WANTED)
    assert there.items() <= WANTED.items()
    assert not (download.out / "MR1/manifest.ndjson").exists()
    ran = download.session("MR1")
    assert ran.status == 0, ran.err
    assert ran.record["skipped"] >= len(there)
    assert download.files() == WANTED


def test_killed_again_and_again_it_arrives(download: Downloader) -> None:
    download.xnat.has_session("P1", "S1", "MR1", SCANS)
    spoiler = Spoiler(download.xnat, "/files", slowly(30, 0.004), times=10**6)
    chance = random.Random(11)
    for _ in range(5):
        process = started(download)
        time.sleep(chance.uniform(0.3, 0.9))
        process.kill()
        process.wait()
        assert finished(download).items() <= WANTED.items()
    spoiler._left = 0
    assert download.session("MR1").status == 0
    assert download.files() == WANTED


def test_a_reader_that_goes_stops_it_quietly(download: Downloader) -> None:
    download.xnat.has_session("P1", "S1", "MR1", SCANS)
    gone, first = threading.Event(), itertools.count()

    def all_but_one_waits(body: bytes) -> Iterator[bytes]:
        if next(first):
            gone.wait(20)
        yield body

    Spoiler(download.xnat, "format=tar", all_but_one_waits, times=3)
    process = started(download, "--each")
    assert process.stdout is not None and process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    gone.set()
    assert process.wait(20) == 141
    assert process.stderr.read() == ""
    assert finished(download).items() <= WANTED.items()


def test_what_a_killed_run_had_of_a_large_file_is_not_fetched_again(download: Downloader) -> None:
    data = random.Random(5).randbytes(8_000_000)
    download.xnat.has_session("P1", "S1", "MR1", {"1": {"big": data, "small": b"x"}})
    spoiler = Spoiler(download.xnat, "format=tar", slowly(40, 0.05), times=1)
    process = started(download)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        parts = list(download.out.rglob(".big.*.part"))
        if parts and parts[0].stat().st_size > 3_000_000:
            break
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert spoiler.seen == 1
    (part,) = download.out.rglob(".big.*.part")
    had = part.stat().st_size
    (download.out / "MR1/scans/1/resources/DICOM/files/small").write_bytes(b"x")
    assert download.session("MR1").status == 0
    asked = [r for r in download.xnat.requests("GET") if r.path.endswith("/files/big")]
    assert [request.headers.get("Range") for request in asked] == [f"bytes={had}-"]
    assert download.files("MR1/scans/1/resources/DICOM/files") == {"big": data, "small": b"x"}


def test_what_a_killed_run_had_of_a_manifest_is_removed(download: Downloader) -> None:
    download.xnat.has_session("P1", "S1", "MR1", SCANS)
    for _ in range(2):
        left = download.out / "MR1/.manifest.ndjson.1234-0123abcd.part"
        left.parent.mkdir(parents=True, exist_ok=True)
        left.write_bytes(b'{"kind":')
        assert download.session("MR1").status == 0
        assert not left.exists()
    assert download.files() == WANTED


def test_two_runs_into_one_folder_do_not_harm_each_other(download: Downloader) -> None:
    download.xnat.has_session("P1", "S1", "MR1", SCANS)
    Spoiler(download.xnat, "format=tar", slowly(20, 0.01), times=6)
    processes = [started(download) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0], processes[0].communicate()
    assert download.files() == WANTED


def test_a_full_file_system_is_no_success(download: Downloader, tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk: the system refuses the write."""
    import resource

    download.xnat.has_session("P1", "S1", "MR1", {"1": {"a": b"a" * 100, "b": b"b" * 500_000}})

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    process = subprocess.run(
        [PROGRAM, "--out", str(download.out)],
        input=json.dumps(download.record("MR1")) + "\n",
        capture_output=True,
        text=True,
        preexec_fn=limit,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert process.returncode == 1, process.stderr
    assert "File too large" in process.stderr
    assert list(finished(download).values()) == [b"a" * 100]
    assert download.session("MR1").record["files"] == 1
