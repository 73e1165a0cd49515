"""Measure C-STORE against DCMTK's storescu, on this machine.

Usage: python tools/bench/cstore.py [TURNS] [FILES]

Sends FILES (1,000) CT slices of 512 KiB to the same `storescp --fork` by storescu and by xnat-
cstore with 1, 4 and 16 workers, in turns, TURNS (3) times; then the same with TCP_NODELAY=1 in
the receiver's environment. A ratio above 1 means that ours was faster; medians and ranges are
printed, because single runs on a shared machine say little. Starting the program is part of each
time.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

TITLE = "BENCH"
SIDE = 512
WORKERS = (1, 4, 16)
SCRIPTS = sysconfig.get_path("scripts")
OURS = str(Path(SCRIPTS) / "xnat-cstore")


def main() -> None:
    """Make the files, measure, print."""
    turns = int(sys.argv[1]) if sys.argv[1:] else 3
    count = int(sys.argv[2]) if sys.argv[2:] else 1000
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        files = folder / "files"
        make(files, count)
        os.environ["XDG_STATE_HOME"] = str(folder / "state")
        os.environ.pop("TCP_NODELAY", None)
        for nodelay in (False, True):
            print("receiver with TCP_NODELAY=1" if nodelay else "receiver as it comes")  # noqa: T201
            compare(files, folder / "received", count, turns, nodelay=nodelay)


def compare(files: Path, received: Path, count: int, turns: int, *, nodelay: bool) -> None:
    """Run all senders in turns and print the rate of each and its ratio to storescu."""
    senders = {
        "storescu": [
            dcmtk("storescu"),
            "-aec",
            TITLE,
            "+sd",
            "+r",
            "127.0.0.1",
            "PORT",
            str(files),
        ],
        **{f"xnat-cstore -w {workers}": ours(files, workers) for workers in WORKERS},
    }
    seconds: dict[str, list[float]] = {name: [] for name in senders}
    for _ in range(turns):
        for name, words in senders.items():
            seconds[name].append(measured(words, received, count, nodelay=nodelay))
    for name, ours_ in seconds.items():
        ratios = [their / our for their, our in zip(seconds["storescu"], ours_, strict=True)]
        rate = count / median(ours_)
        print(  # noqa: T201
            f"  {name:18}{rate:8.1f} files/s   ratio {median(ratios):6.2f}"
            f"  ({min(ratios):.2f} to {max(ratios):.2f})",
            flush=True,
        )


def dcmtk(program: str) -> str:
    """The path of a program of DCMTK; pynetdicom brings others of the same names."""
    folders = [one for one in os.environ["PATH"].split(os.pathsep) if one != SCRIPTS]
    found = shutil.which(program, path=os.pathsep.join(folders))
    if found is None:
        raise SystemExit(f"{program} is not installed")
    return found


def ours(files: Path, workers: int) -> list[str]:
    """Our command line."""
    where = ["--host", "127.0.0.1", "--port", "PORT", "--called-aet", TITLE]
    return [OURS, "send", str(files), *where, "-w", str(workers), "--resend"]


def measured(words: Sequence[str], received: Path, count: int, *, nodelay: bool) -> float:
    """The seconds that one sender took; fails when not everything arrived."""
    with receiver(received, nodelay=nodelay) as port:
        begin = time.perf_counter()
        subprocess.run(
            [str(port) if word == "PORT" else word for word in words],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        seconds = time.perf_counter() - begin
        arrived = len(list(received.iterdir()))
    if arrived != count:
        raise SystemExit(f"{words[0]}: {arrived} of {count} files arrived")
    return seconds


@contextmanager
def receiver(folder: Path, *, nodelay: bool) -> Iterator[int]:
    """A storescp that writes into an empty folder; yields its port."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    process = subprocess.Popen(
        [dcmtk("storescp"), "--fork", "-aet", TITLE, "-od", str(folder), str(port)],
        env={**os.environ, **({"TCP_NODELAY": "1"} if nodelay else {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait()


def wait_for(port: int) -> None:
    """Return when something listens."""
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit("storescp does not start")


def make(folder: Path, count: int) -> None:
    """Write the slices of one study, and read them once."""
    folder.mkdir()
    study, series = generate_uid(), generate_uid()
    for number in range(count):
        slice_ = Dataset()
        slice_.SOPClassUID, slice_.SOPInstanceUID = CTImageStorage, generate_uid()
        slice_.StudyInstanceUID, slice_.SeriesInstanceUID = study, series
        slice_.PatientID, slice_.InstanceNumber = "BENCH", number
        slice_.Rows = slice_.Columns = SIDE
        slice_.SamplesPerPixel, slice_.PhotometricInterpretation = 1, "MONOCHROME2"
        slice_.BitsAllocated = slice_.BitsStored = 16
        slice_.HighBit, slice_.PixelRepresentation = 15, 0
        slice_.PixelData = os.urandom(2 * SIDE * SIDE)
        slice_["PixelData"].VR = "OW"
        slice_.file_meta = FileMetaDataset()
        slice_.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        slice_.save_as(folder / f"{number:04}.dcm", enforce_file_format=True)
    for path in folder.iterdir():
        path.read_bytes()


if __name__ == "__main__":
    main()
