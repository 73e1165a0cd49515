"""Measure the archive streams against the tools that everybody has, on this machine.

Usage: python tools/bench/streams.py [FOLDER]

Makes 1 GiB as one file and as 2,000 files of 512 KiB in FOLDER (default: a temporary one), then
runs ours and theirs in turns, five times, all into a pipe that `cat` empties. A ratio above 1 means
that ours was faster; the median and the range are printed, because single runs on a shared machine
say little.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median

from xnat_core.archive import Member, TarStream, ZipStream, read_tar, read_zip
from xnat_core.bodies import FileBody
from xnat_core.files import BLOCK, Block

TURNS = 5
TOTAL = 1 << 30
SMALL = 512 << 10

Run = Callable[[], None]


def main() -> None:
    """Make the data, measure, print."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(sys.argv[1]) if sys.argv[1:] else Path(temporary)
        big, many = make(folder)
        one = [Member.of(big, big.name)]
        all_small = [Member.of(path, f"many/{path.name}") for path in many]
        tar, zip_file = folder / "many.tar", folder / "many.zip"
        save(TarStream(all_small), tar)
        save(ZipStream(all_small), zip_file)
        cat_big = command("cat", big)
        cat_many = command("cat", *many)
        compare("file body / cat", lambda: pipe(FileBody(big)), cat_big)
        compare("tar of one / cat", lambda: pipe(TarStream(one)), cat_big)
        compare("tar of one / tar", lambda: pipe(TarStream(one)), command("tar", "c", big))
        compare("tar of many / cat", lambda: pipe(TarStream(all_small)), cat_many)
        compare("tar of many / tar", lambda: pipe(TarStream(all_small)), command("tar", "c", *many))
        compare("tar of many / tarfile", lambda: pipe(TarStream(all_small)), lambda: tarfile_(many))
        compare("zip of many / zipfile", lambda: pipe(ZipStream(all_small)), lambda: zipfile_(many))
        compare("tar with MD5 / without", lambda: pipe(digested(one)), lambda: pipe(TarStream(one)))
        compare(
            "read tar / tar xO", lambda: pipe(members(read_tar, tar)), command("tar", "xOf", tar)
        )
        compare("read tar / tarfile", lambda: pipe(members(read_tar, tar)), lambda: untar(tar))
        compare(
            "read zip / zipfile", lambda: pipe(members(read_zip, zip_file)), lambda: unzip(zip_file)
        )


def make(folder: Path) -> tuple[Path, list[Path]]:
    """Write the files unless they are there, and read them once."""
    big, small = folder / "big", folder / "many"
    small.mkdir(parents=True, exist_ok=True)
    many = [small / str(number) for number in range(TOTAL // SMALL)]
    if not big.exists():
        with big.open("wb") as file:
            for path in many:
                data = os.urandom(SMALL)
                path.write_bytes(data)
                file.write(data)
    for path in (big, *many):
        with path.open("rb") as file:
            while file.read(BLOCK):
                pass
    return big, many


def compare(what: str, ours: Run, theirs: Run) -> None:
    """Run both in turns and print the rate of ours and the ratio."""
    seconds = [(measured(ours), measured(theirs)) for _ in range(TURNS)]
    ratios = [their / our for our, their in seconds]
    rate = TOTAL / median(our for our, _ in seconds) / 1e9
    print(  # noqa: T201
        f"{what:24} {rate:5.2f} GB/s   ratio {median(ratios):5.2f}"
        f"  ({min(ratios):.2f} to {max(ratios):.2f})"
    )


def measured(run: Run) -> float:
    """Return the seconds that it took."""
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def sink() -> subprocess.Popen[bytes]:
    """Start what empties the pipe."""
    return subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, bufsize=0)


def pipe(blocks: Iterable[Block]) -> None:
    """Write blocks to a pipe."""
    with sink() as process:
        assert process.stdin is not None
        descriptor = process.stdin.fileno()
        for block in blocks:
            view = memoryview(block)
            while view:
                view = view[os.write(descriptor, view) :]


def command(*words: object) -> Run:
    """Return the run of a command into a pipe."""

    def run() -> None:
        with sink() as process:
            subprocess.run(
                [str(word) for word in words],
                stdout=process.stdin,
                stderr=subprocess.DEVNULL,
                check=True,
            )
            assert process.stdin is not None

    return run


def digested(files: list[Member]) -> TarStream:
    """Return a tar that computes digests."""
    return TarStream(files, on_digest=lambda _, __: None)


def members(read: Callable[[io.BufferedReader], Iterable], archive: Path) -> Iterable[Block]:  # type: ignore[type-arg]
    """Yield the bytes of all members."""
    with archive.open("rb") as file:
        for member in read(file):
            yield from member.blocks()


def save(body: Iterable[Block], path: Path) -> None:
    """Write a body to a file."""
    with path.open("wb") as file:
        for block in body:
            file.write(block)


def tarfile_(files: list[Path]) -> None:
    """Write a tar with the standard library."""
    with sink() as process, tarfile.open(fileobj=process.stdin, mode="w|", bufsize=BLOCK) as tar:
        tar.copybufsize = BLOCK  # type: ignore[attr-defined]
        for path in files:
            tar.add(path)


def zipfile_(files: list[Path]) -> None:
    """Write a zip with the standard library."""
    with sink() as process:
        assert process.stdin is not None
        with zipfile.ZipFile(process.stdin, "w") as archive:
            for path in files:
                archive.write(path)


def untar(path: Path) -> None:
    """Read a tar as a stream with the standard library."""
    with path.open("rb") as file, tarfile.open(fileobj=file, mode="r|", bufsize=BLOCK) as tar:
        pipe(block for info in tar for block in read_in_blocks(tar.extractfile(info)))


def unzip(path: Path) -> None:
    """Read a zip by its directory with the standard library."""
    with zipfile.ZipFile(path) as archive:
        pipe(block for info in archive.infolist() for block in read_in_blocks(archive.open(info)))


def read_in_blocks(file: object) -> Iterable[bytes]:
    """Yield what a file object has."""
    return iter(lambda: file.read(BLOCK), b"")  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
