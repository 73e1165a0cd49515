"""Local files that may be DICOM are found, each once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from xnat_core.dicom_files import (
    LostLinks,
    has_magic,
    is_backup,
    is_named_dicom,
    may_be_dicom,
    walk,
)
from xnat_core.errors import UploadError, XNATCtlError


def names(*roots: Path) -> list[str]:
    """What the walk meets, in its order; trouble fails the test."""

    def trouble(error: XNATCtlError) -> None:
        raise error

    return [file.path.name for file in walk(roots, trouble)]


def touch(path: Path, data: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_files_come_sorted_with_those_of_a_directory_before_its_directories(tmp_path: Path) -> None:
    for name in ("b/2", "a/9", "a/1", "top", "a/sub/deep"):
        touch(tmp_path / name)
    assert names(tmp_path) == ["top", "1", "9", "deep", "2"]


def test_hidden_names_are_passed_over(tmp_path: Path) -> None:
    touch(tmp_path / "seen")
    touch(tmp_path / ".hidden")
    touch(tmp_path / ".git" / "object")
    assert names(tmp_path) == ["seen"]


def test_a_link_that_leads_nowhere_is_told(tmp_path: Path) -> None:
    touch(tmp_path / "seen")
    (tmp_path / "fetched-later").symlink_to(".git/annex/objects/x")
    troubles: list[XNATCtlError] = []
    assert [file.path.name for file in walk([tmp_path], troubles.append)] == ["seen"]
    (told,) = troubles
    assert "fetched-later: a link to .git/annex/objects/x, which is not there" in told.message
    lost = LostLinks()
    assert [file.path.name for file in walk([tmp_path], troubles.append, lost)] == ["seen"]
    assert (len(troubles), lost.count, lost.first) == (1, 1, tmp_path / "fetched-later")


def test_a_link_that_is_named_itself_and_leads_nowhere_is_never_passed_over(tmp_path: Path) -> None:
    (tmp_path / "gone").symlink_to("nowhere")
    troubles: list[XNATCtlError] = []
    lost = LostLinks()
    assert not list(walk([tmp_path / "gone"], troubles.append, lost))
    assert (len(troubles), lost.count) == (1, 0)


def test_a_directory_is_entered_once_however_many_names_lead_to_it(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "file")
    (tmp_path / "a" / "round").symlink_to(tmp_path)
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert names(tmp_path, tmp_path / "a") == ["file"]


def test_a_link_to_a_file_has_the_identity_of_the_file(tmp_path: Path) -> None:
    touch(tmp_path / "file")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    one, other = walk([tmp_path], lambda error: None)
    assert one.identity == other.identity


def test_pipes_and_sockets_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "why"), [("missing", "No such file or directory"), ("x" * 300, "File name too long")]
)
def test_what_cannot_be_read_is_told_and_the_rest_comes(
    tmp_path: Path, name: str, why: str
) -> None:
    touch(tmp_path / "file")
    told: list[XNATCtlError] = []
    found = list(walk([tmp_path / name, tmp_path], told.append))
    assert [file.path.name for file in found] == ["file"]
    assert [error.message for error in told] == [f"upload: {tmp_path}/{name}: {why}"]


@pytest.mark.parametrize("name", ["a.dcm", "a.DCM", "b.ima", "c.img", "d.dicom"])
def test_known_suffixes_in_any_case(name: str) -> None:
    assert is_named_dicom(name)


def test_other_names_are_told_by_their_first_bytes(tmp_path: Path) -> None:
    assert may_be_dicom(touch(tmp_path / "IM0001", bytes(128) + b"DICM" + bytes(10)))
    assert not may_be_dicom(touch(tmp_path / "notes.txt", b"DICM"))
    assert not has_magic(b"")


def test_a_file_that_cannot_be_opened_is_an_error_naming_it(tmp_path: Path) -> None:
    with pytest.raises(UploadError, match="IM0001"):
        may_be_dicom(tmp_path / "IM0001")


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("a.dcm.bak", True), ("b.dcm.bak", False), (".bak", False), ("..bak", False)],
)
def test_a_backup_has_the_file_that_it_is_of_beside_it(
    tmp_path: Path, name: str, is_one: bool
) -> None:
    touch(tmp_path / "a.dcm")
    assert is_backup(touch(tmp_path / name)) is is_one
