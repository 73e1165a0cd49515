"""Names from elsewhere become paths inside the folder, or are refused."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xnat_core.archive import CaseCollisions, is_case_insensitive, safe_join
from xnat_core.errors import PathValidationError


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "empty, or not relative"),
        ("/etc/passwd", "empty, or not relative"),
        ("C:/windows", "empty, or not relative"),
        ("c:file", "empty, or not relative"),
        (".", "leads out of the folder"),
        ("..", "leads out of the folder"),
        ("a/../../b", "leads out of the folder"),
        ("a/..", "leads out of the folder"),
        ("a\\..\\b", "backslash"),
        ("a\0b", "control character"),
        ("a\nb", "control character"),
        ("a\x9bb", "control character"),
        ("x" * 256, "more than 255 bytes"),
        ("folder/" + "ü" * 128, "more than 255 bytes"),
        ("\ud800", "not a name in Unicode"),
    ],
)
def test_a_name_that_could_lead_elsewhere_is_refused(
    tmp_path: Path, name: str, reason: str
) -> None:
    with pytest.raises(PathValidationError, match=reason):
        safe_join(tmp_path, name)


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("a", "a"),
        ("./a//b/", "a/b"),
        ("MR1/scans/4-T1w MPRAGE/Größe.dcm", "MR1/scans/4-T1w MPRAGE/Größe.dcm"),
        ("x" * 255, "x" * 255),
        ("...", "..."),
        ("a..b/12:30", "a..b/12:30"),
        ("\udce4", "\udce4"),
    ],
)
def test_a_name_inside_the_folder_is_kept(tmp_path: Path, name: str, inside: str) -> None:
    assert safe_join(tmp_path, name) == tmp_path / inside


def test_a_link_on_the_way_is_refused_wherever_it_leads(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    (root / "folder/out").symlink_to(tmp_path)
    (root / "in").symlink_to("folder")
    for name in ("folder/out/a", "in/a", "folder/out/b/c"):
        with pytest.raises(PathValidationError, match="is a link"):
            safe_join(root, name)


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert safe_join(tmp_path / "link", "a/b") == tmp_path / "link/a/b"


@given(
    st.text(max_size=50) | st.lists(st.sampled_from(["..", ".", "", "a", "\\", "/"])).map("/".join)
)
def test_what_is_not_refused_lies_inside(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        try:
            path = safe_join(root, name)
        except PathValidationError:
            return
        assert path.resolve().is_relative_to(root)
        assert path != root
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def test_names_equal_up_to_case_or_normalization_collide() -> None:
    names = CaseCollisions(fold=True)
    assert names.add("MR1/Größe.dcm") is None
    assert names.add("MR1/other.dcm") is None
    assert names.add("mr1/GRO\u0308SSE.DCM") == "MR1/Größe.dcm"
    assert names.add("MR1/other.dcm") == "MR1/other.dcm"


def test_only_equal_names_collide_where_case_matters() -> None:
    names = CaseCollisions(fold=False)
    assert names.add("a") is None
    assert names.add("A") is None
    assert names.add("a") == "a"


def test_the_disk_is_asked_whether_case_matters(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "lower").touch()
    assert is_case_insensitive(folder) == (folder / "LOWER").exists()
    assert [path.name for path in folder.iterdir()] == ["lower"]


@pytest.mark.parametrize("folds", [False, True])
def test_a_folder_that_cannot_be_written_is_judged_by_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folds: bool
) -> None:
    refused = Mock(side_effect=PermissionError(errno.EACCES, "Permission denied"))
    monkeypatch.setattr("tempfile.NamedTemporaryFile", refused)
    assert not is_case_insensitive(tmp_path)
    (tmp_path / "123").touch()
    (tmp_path / "Lower").touch()
    if folds:
        (tmp_path / "lOWER").hardlink_to(tmp_path / "Lower")
    else:
        (tmp_path / "lOWER").touch()  # Another file.
    assert is_case_insensitive(tmp_path) == folds
