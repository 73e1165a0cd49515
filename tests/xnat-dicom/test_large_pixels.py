"""Large pixels stay in their file until they are written into another one, the same to a byte."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
)

from support.answers import Run
from support.memory import PEAK
from xnat_dicom import pixels, reading
from xnat_sandbox.samples import instance_of

SIZE = 400 << 20
MODIFY = ("modify", "copy.dcm", "-t", "PatientID=NEW", "-t", "StudyDescription=x")
Make = Callable[[], FileDataset]


def plain() -> FileDataset:
    return instance_of(rows=32)


def in_syntax(syntax: UID) -> Make:
    def make() -> FileDataset:
        dataset = plain()
        dataset.file_meta.TransferSyntaxUID = syntax
        return dataset

    return make


def big_endian() -> FileDataset:
    dataset = in_syntax(ExplicitVRBigEndian)()
    dataset.set_original_encoding(False, False)
    dataset["PixelData"].VR = "OW"
    return dataset


def compressed() -> FileDataset:
    dataset = in_syntax(JPEG2000Lossless)()
    dataset.PixelData = encapsulate([b"\xff\x4f" * 300, b"\xff\x4f" * 400])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    return dataset


def compressed_and_padded() -> FileDataset:
    dataset = compressed()
    dataset.DataSetTrailingPadding = bytes(2000)
    return dataset


def floats() -> FileDataset:
    dataset = plain()
    del dataset.PixelData
    dataset.FloatPixelData = bytes(4000)
    return dataset


def with_other_large_values() -> FileDataset:
    dataset = plain()
    dataset.ICCProfile = bytes(range(256)) * 20
    return dataset


CASES = {
    "explicit": plain,
    "implicit": in_syntax(ImplicitVRLittleEndian),
    "big": big_endian,
    "deflated": in_syntax(DeflatedExplicitVRLittleEndian),
    "compressed": compressed,
    "padded": compressed_and_padded,
    "floats": floats,
    "others": with_other_large_values,
}


@pytest.fixture(params=CASES)
def file(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> FileDataset:
    """The file `in.dcm` in the working directory, in all encodings."""
    monkeypatch.chdir(tmp_path)
    dataset: FileDataset = CASES[request.param]()
    dataset.save_as("in.dcm", enforce_file_format=True)
    return dataset


def both_ways(monkeypatch: pytest.MonkeyPatch, do: Callable[[], bytes]) -> tuple[bytes, bytes]:
    """What comes out when pixels are read with the rest, and when they are left in the file."""
    found = []
    for limit in (1 << 30, 1000):
        monkeypatch.setattr(reading, "LARGE_PIXELS", limit)
        found.append(do())
    return found[0], found[1]


@pytest.mark.usefixtures("file")
def test_a_changed_file_is_the_same(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def change() -> bytes:
        shutil.copy("in.dcm", "copy.dcm")
        assert run(*MODIFY).status == 0
        return Path("copy.dcm").read_bytes()

    one, other = both_ways(monkeypatch, change)
    assert one == other != Path("in.dcm").read_bytes()


@pytest.mark.usefixtures("file")
def test_an_anonymized_copy_is_the_same(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def anonymize() -> bytes:
        assert run("anonymize", "in.dcm", "out.dcm", "--key-file", "key").status == 0
        return Path("out.dcm").read_bytes()

    one, other = both_ways(monkeypatch, anonymize)
    assert one == other


def test_a_file_that_becomes_shorter_is_no_copy(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reading, "LARGE_PIXELS", 1000)
    plain().save_as("in.dcm", enforce_file_format=True)
    leave = pixels.leave_pixels

    def cut(dataset: FileDataset, file: object) -> bool:
        left = leave(dataset, file)  # type: ignore[arg-type]
        with Path("in.dcm").open("r+b") as opened:
            opened.truncate(opened.seek(0, 2) - 100)
        return left

    monkeypatch.setattr(reading, "leave_pixels", cut)
    assert run("anonymize", "in.dcm", "out.dcm").status == 1
    assert not Path("out.dcm").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="sparse files, and /proc")
@pytest.mark.parametrize("command", [["anonymize", "in.dcm", "out.dcm"], list(MODIFY)])
def test_memory_does_not_grow_with_the_pixels(tmp_path: Path, command: list[str]) -> None:
    dataset = plain()
    del dataset.PixelData
    for name in ("in.dcm", "copy.dcm"):
        dataset.save_as(tmp_path / name, enforce_file_format=True)
        with (tmp_path / name).open("ab") as file:
            file.write(struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OW", 0, SIZE))
            file.truncate(file.tell() + SIZE)
    script = (
        f"{PEAK}import sys; from xnat_dicom.cli import main; status = main(sys.argv[1:]);"
        "print(status, peak() << 10, file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, *command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    status, peak = map(int, ran.stderr.splitlines()[-1].split())
    assert (status, peak < SIZE // 2) == (0, True)
