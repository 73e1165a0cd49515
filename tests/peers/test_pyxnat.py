"""The sandbox as pyxnat sees it."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest

from support.sandbox import XNAT


@pytest.fixture
def peer(xnat: XNAT, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A pyxnat interface on a server with one project and one session."""
    # pyxnat imports its image analysis with everything else, but declares none of what that needs.
    for name in ("nibabel", "numpy", "pandas"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    pyxnat = cast(Any, import_module("pyxnat"))
    xnat.has_session("P1", "S1", "MR1", scans={"1": {"a.dcm": b"AAAA", "b.dcm": b"B"}})
    interface = pyxnat.Interface(xnat.url, *xnat.admin)
    yield interface
    interface.disconnect()


def test_it_walks_down_the_hierarchy(peer: Any) -> None:
    assert peer.select.projects().get() == ["P1"]
    project = peer.select.project("P1")
    assert [subject.label() for subject in project.subjects()] == ["S1"]
    session = project.subject("S1").experiment("MR1")
    assert session.scans().get() == ["1"]
    assert [str(file) for file in session.scan("1").resource("DICOM").files().get()] == [
        "a.dcm",
        "b.dcm",
    ]


def test_it_creates_what_does_not_exist(peer: Any, xnat: XNAT) -> None:
    project = peer.select.project("P2")
    assert not project.exists()
    scan = project.subject("S2").experiment("CT1").scan("4")
    scan.create(experiments="xnat:ctSessionData", scans="xnat:ctScanData")
    session = xnat.store.items.experiment_in("P2", "CT1")
    assert session and session.xsi_type == "xnat:ctSessionData"
    assert [scan.id for scan in xnat.store.items.scans(session.id)] == ["4"]


def test_it_reads_and_writes_attributes(peer: Any) -> None:
    subject = peer.select.project("P1").subject("S1")
    path = "xnat:subjectData/demographics[@xsi:type=xnat:demographicData]/gender"
    subject.attrs.set(path, "female")
    assert subject.attrs.get("gender") == "female"
    scan = subject.experiment("MR1").scan("1")
    scan.attrs.set("xnat:mrScanData/quality", "unusable")
    assert scan.attrs.mget(["quality", "type"]) == ["unusable", "T1w"]


def test_it_puts_gets_and_deletes_a_file(peer: Any, tmp_path: Path) -> None:
    source, target = tmp_path / "note.txt", tmp_path / "back.txt"
    source.write_text("hello")
    resource = peer.select.project("P1").subject("S1").experiment("MR1").resource("NOTES")
    resource.file("note.txt").put(str(source), format="TXT", content="T")
    resource.file("note.txt").get(str(target))
    assert target.read_text() == "hello"
    resource.file("note.txt").delete()
    assert not resource.file("note.txt").exists()


def test_it_downloads_scans(peer: Any, tmp_path: Path) -> None:
    session = peer.select.project("P1").subject("S1").experiment("MR1")
    target = session.scans().download(str(tmp_path), type="ALL", extract=False)
    with zipfile.ZipFile(target) as archive:
        assert archive.namelist() == [
            "MR1/scans/1-T1w/resources/DICOM/files/a.dcm",
            "MR1/scans/1-T1w/resources/DICOM/files/b.dcm",
        ]


def test_it_lists_sessions_as_tables(peer: Any) -> None:
    (row,) = peer.array.mrsessions(project_id="P1").data
    assert (row["ID"], row["project"]) == ("XNAT_E00001", "P1")


def test_it_searches(peer: Any) -> None:
    columns = ["xnat:mrSessionData/SESSION_ID", "xnat:mrSessionData/LABEL"]
    criteria = [("xnat:mrSessionData/PROJECT", "=", "P1"), "AND"]
    found = peer.select("xnat:mrSessionData", columns).where(criteria)
    assert found.data == [{"session_id": "XNAT_E00001", "label": "MR1"}]


def test_it_prints_its_objects(peer: Any) -> None:
    project = peer.select.project("P1")
    assert repr(project).startswith("<Project Object> P1 `P1` (private) 1 subject 1 MR experiment")
    assert "<Experiment Object> XNAT_E00001 `MR1`" in repr(project.subject("S1").experiment("MR1"))


def test_it_manages_members(peer: Any, xnat: XNAT) -> None:
    xnat.has_user("bob")
    project = peer.select.project("P1")
    project.add_user("bob", "member")
    assert project.members() == ["bob"]
    project.set_accessibility("public")
    assert xnat.store.items.project("P1").accessibility == "public"  # type: ignore[union-attr]
