"""Headers are read as pydicom reads them, of every kind of file."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pydicom.data
import pytest
from pydicom import dcmread, dcmwrite
from pydicom.charset import python_encoding
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from xnat_core.dicom_elements import MEDIA_DIRECTORY, values_of
from xnat_core.errors import DicomParseError, UploadError
from xnat_sandbox.samples import instance_of
from xnat_upload.headers import Header, read_blocks, read_file
from xnat_upload.labels import session_of, subject_of

FOLDER = Path(pydicom.data.__file__).parent
SHIPPED = sorted(
    path
    for path in [*FOLDER.glob("test_files/**/*"), *FOLDER.glob("charset_files/*")]
    if path.is_file() and path.suffix in (".dcm", ".implicit", ".explicit", "")
)


def expected(path: Path) -> tuple[str, ...] | None:
    """What pydicom finds; None when it finds no instance."""
    try:
        dataset = dcmread(path, stop_before_pixels=True, force=True)
        if not dataset.get("SOPInstanceUID") or not dataset.get("SOPClassUID"):
            return None
        if dataset.file_meta.get("MediaStorageSOPClassUID") == MEDIA_DIRECTORY:
            return None
    except Exception:
        return None
    keys = ["SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"]
    keys += ["SeriesNumber", "PatientName", "PatientID"]
    values = (dataset.get(key) for key in keys)
    return tuple("" if value is None else str(value).strip() for value in values)


def found(header: Header | None) -> tuple[str, ...] | None:
    if header is None:
        return None
    return (
        *(header.uid, header.study, header.series, header.number),
        *(header.patient_name.rstrip("="), header.patient_id),
    )


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_the_files_that_pydicom_ships_are_read_alike(path: Path) -> None:
    wanted = expected(path)
    try:
        here = found(read_file(path))
    except DicomParseError:
        here = None
    if path.name.startswith("DICOMDIR"):
        assert here is None
    elif wanted is not None:
        assert here == wanted


@pytest.mark.parametrize(
    "syntax",
    [
        ExplicitVRLittleEndian,
        ImplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
    ],
)
@pytest.mark.parametrize("whole", [True, False])
def test_every_transfer_syntax(tmp_path: Path, syntax: str, whole: bool) -> None:
    dataset = instance_of(comments="Subject:X1 Session:Y2")
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    path = tmp_path / "a.dcm"
    little = syntax != ExplicitVRBigEndian
    dcmwrite(
        path,
        dataset,
        implicit_vr=syntax == ImplicitVRLittleEndian,
        little_endian=little,
        enforce_file_format=True,
    )
    data = path.read_bytes()
    size = len(data) if whole else 100
    blocks = [memoryview(data)[start : start + size] for start in range(0, len(data), size)]
    for header in (read_file(path), read_blocks("a.dcm", blocks)):
        assert header is not None
        assert header.uid == dataset.SOPInstanceUID
        assert (subject_of(header), session_of(header)) == ("X1", "Y2")


def test_a_file_without_preamble_is_read(tmp_path: Path) -> None:
    dataset = instance_of()
    raw = BytesIO()
    dcmwrite(raw, dataset, enforce_file_format=True)
    (tmp_path / "a.dcm").write_bytes(raw.getvalue()[132:])
    header = read_file(tmp_path / "a.dcm")
    assert header is not None
    assert header.uid == dataset.SOPInstanceUID


@pytest.mark.parametrize("code", sorted(code for code in python_encoding if "2022" not in code))
def test_names_in_every_single_character_set(tmp_path: Path, code: str) -> None:
    dataset = instance_of()
    dataset.SpecificCharacterSet = code
    dataset.PatientName = "Doe^Jané" if code in ("ISO_IR 100", "ISO_IR 192") else "Doe^Jane"
    dcmwrite(tmp_path / "a.dcm", dataset)
    header = read_file(tmp_path / "a.dcm")
    assert header is not None
    assert header.patient_name == str(dataset.PatientName)


def test_it_ends_before_the_pixels(tmp_path: Path) -> None:
    dataset = instance_of(rows=512)
    dcmwrite(tmp_path / "a.dcm", dataset)
    data = (tmp_path / "a.dcm").read_bytes()
    (tmp_path / "cut.dcm").write_bytes(data[:4000])
    assert found(read_file(tmp_path / "cut.dcm")) == found(read_file(tmp_path / "a.dcm"))


@pytest.mark.parametrize("tag", ["SOPInstanceUID", "PatientID", "StudyInstanceUID"])
def test_a_file_that_ends_inside_its_header_is_not_one_of_another_study(
    tmp_path: Path, tag: str
) -> None:
    """Half a UID is another one, and none at all is a session of its own."""
    dataset = instance_of()
    dcmwrite(tmp_path / "a.dcm", dataset)
    data = (tmp_path / "a.dcm").read_bytes()
    cut = data[: data.rindex(str(dataset[tag].value).encode()) + 1]
    (tmp_path / "cut.dcm").write_bytes(cut)
    with pytest.raises(DicomParseError, match=r"cut\.dcm: .*in the middle of"):
        read_file(tmp_path / "cut.dcm")
    with pytest.raises(DicomParseError, match=r"cut\.dcm: .*in the middle of"):
        read_blocks("cut.dcm", [memoryview(cut[:200]), memoryview(cut[200:])])


def test_a_length_that_is_damaged_takes_no_memory(tmp_path: Path) -> None:
    data = bytes.fromhex("0800160004000000") + b"1.2\0" + bytes.fromhex("1000200000ffffff") + b"x"
    sizes: list[int] = []

    class Counted(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            sizes.append(size or -1)
            return super().read(size)

    values_of(Counted(data), [0x00080016, 0x00100020])
    assert 0 < max(sizes) < 1 << 20
    assert min(sizes) > 0


@pytest.mark.parametrize(
    "data", [b"", b"no", b"DICM" * 100, bytes(1000), bytes(128) + b"DICM", b"\xff" * 500]
)
def test_what_is_no_dicom_is_an_error_naming_the_file(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.dcm").write_bytes(data)
    with pytest.raises(DicomParseError, match=r"x\.dcm"):
        read_file(tmp_path / "x.dcm")


def test_what_cannot_be_read_is_an_error_naming_the_file(tmp_path: Path) -> None:
    with pytest.raises(UploadError, match=r"x\.dcm: No such file"):
        read_file(tmp_path / "x.dcm")


def test_the_usual_file_needs_no_pydicom(tmp_path: Path) -> None:
    dcmwrite(tmp_path / "a.dcm", instance_of())
    program = (
        "import sys; from pathlib import Path; from xnat_upload.headers import read_file;"
        f"read_file(Path({str(tmp_path / 'a.dcm')!r})); print('pydicom' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert shown.stdout == "False\n"
