"""Copies that say where they belong."""

from __future__ import annotations

import zlib
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from support.imports import rows
from support.receivers import Archive, Scripted, at
from xnat_core.dicom_elements import encoding_of
from xnat_sandbox.samples import instance_of, write_series

if TYPE_CHECKING:
    from conftest import Run

ROUTE = ["-P", "P1", "-S", "S1", "-E", "E1"]
SYNTAXES = [
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
]


def written(path: Path, syntax: UID, comments: str | None = None) -> Dataset:
    """A file of that transfer syntax, with elements on both sides of the comment."""
    dataset = instance_of()
    if comments is None:
        dataset.pop("PatientComments", None)
    else:
        dataset.PatientComments = comments
    dataset.file_meta.TransferSyntaxUID = syntax
    # Not `save_as`, which refuses another order of bytes; the pixels stay as they are.
    dcmwrite(path, dataset, enforce_file_format=True)
    return dataset


def parsed(data: bytes, syntax: UID) -> Dataset:
    if syntax == DeflatedExplicitVRLittleEndian:
        data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data)
    encoding = encoding_of(syntax)
    return read_dataset(BytesIO(data), not encoding.explicit, encoding.little)


@pytest.mark.parametrize("comments", [None, "was here", "AA:true"])
@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.keyword)
def test_the_copy_says_where_it_belongs_and_nothing_else_changes(
    syntax: UID, comments: str | None, run: Run, scp: Scripted, tmp_path: Path
) -> None:
    path = tmp_path / "a.dcm"
    before = written(path, syntax, comments)
    content = path.read_bytes()
    assert run("send", path, *at(scp.port), *ROUTE)[0] == 0
    ((_, data),) = scp.received
    after = parsed(data, syntax)
    route = "Project:P1 Subject:S1 Session:E1"
    assert after.PatientComments == (f"{route} {comments}" if comments else route)
    del after.PatientComments
    before.pop("PatientComments", None)
    assert after.to_json_dict() == before.to_json_dict()
    assert path.read_bytes() == content


def test_the_length_of_the_group_is_made_right(run: Run, scp: Scripted, tmp_path: Path) -> None:
    # Written by hand: pydicom leaves such lengths out.
    path = tmp_path / "a.dcm"
    written(path, ExplicitVRLittleEndian)
    content = path.read_bytes()
    name = content.index(b"\x10\x00\x10\x00PN")
    path.write_bytes(content[:name] + b"\x10\x00\0\0UL\4\0\x64\0\0\0" + content[name:])
    assert run("send", path, *at(scp.port), "-P", "P1")[0] == 0
    ((_, data),) = scp.received
    place = data.index(b"\x10\x00\0\0UL\4\0") + 8
    added = len(b"\x10\x00\x00\x40LT\0\0Project:P1")
    assert int.from_bytes(data[place : place + 4], "little") == 0x64 + added


def test_a_file_whose_place_for_the_route_is_too_far_behind_is_told(
    run: Run, scp: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xnat_cstore.routing._LARGEST_HEAD", 10)
    path = tmp_path / "a.dcm"
    written(path, ExplicitVRLittleEndian)
    status, _, err = run("send", path, *at(scp.port), *ROUTE)
    assert (status, scp.received) == (1, [])
    assert f"{path}: not readable as DICOM: its first elements are too long to be routed" in err


def test_a_deflated_file_without_its_end_is_not_made_to_look_whole(
    run: Run, scp: Scripted, tmp_path: Path
) -> None:
    path = tmp_path / "a.dcm"
    written(path, DeflatedExplicitVRLittleEndian)
    path.write_bytes(path.read_bytes()[:-40])
    status, _, err = run("send", path, *at(scp.port), *ROUTE)
    assert (status, scp.received) == (1, [])
    assert "its deflated data set has no end" in err


def test_the_sandbox_files_by_the_route(run: Run, archive: Archive, tmp_path: Path) -> None:
    write_series(tmp_path / "sent", instances=3)
    status, records, _ = run("send", tmp_path / "sent", *at(archive.port, "XNAT"), *ROUTE)
    assert status == 0
    (record,) = records
    assert [record[key] for key in ("project", "subject", "session")] == ["P1", "S1", "E1"]
    (row,) = rows(archive.xnat)
    assert (row["project"], row["subject"], row["name"]) == ("P1", "S1", "E1")


@pytest.mark.parametrize(
    "comments",
    [
        "Project:P0 Subject:S0 Session:E0",
        "seen; SESSION : E0,subject:S0",
        "first line\r\nsecond line",
    ],
)
def test_what_a_comment_said_before_does_not_hide_the_route(
    comments: str, run: Run, archive: Archive, tmp_path: Path
) -> None:
    path = tmp_path / "a.dcm"
    written(path, ExplicitVRLittleEndian, comments)
    assert run("send", path, *at(archive.port, "XNAT"), *ROUTE)[0] == 0
    (row,) = rows(archive.xnat)
    assert (row["project"], row["subject"], row["name"]) == ("P1", "S1", "E1")


def test_labels_that_the_route_leaves_alone_stay_in_the_comment(
    run: Run, scp: Scripted, tmp_path: Path
) -> None:
    path = tmp_path / "a.dcm"
    written(path, ExplicitVRLittleEndian, "Project:P0 Subject:S0")
    assert run("send", path, *at(scp.port), "-P", "P1")[0] == 0
    ((_, data),) = scp.received
    after = parsed(data, ExplicitVRLittleEndian)
    assert after.PatientComments == "Project:P1 Project=P0 Subject:S0"


@pytest.mark.parametrize("label", ["two words", "a;b", "a.b", "a,b", "Jörg", ""])
def test_a_label_that_a_comment_cannot_carry_is_refused(label: str, run: Run) -> None:
    assert run("send", "x", *at(104), "-P", label)[0] == 2
