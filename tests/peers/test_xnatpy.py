"""The sandbox as xnatpy (`xnat` on PyPI) sees it."""

from __future__ import annotations

import gc
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import xnat as xnatpy

from support.sandbox import XNAT
from xnat_sandbox.samples import write_series


@pytest.fixture
def peer(xnat: XNAT) -> Iterator[Any]:
    """An xnatpy session on a server with one project and one session."""
    xnat.has_session("P1", "S1", "MR1", scans={"1": {"a.dcm": b"AAAA", "b.dcm": b"B"}})
    user, password = xnat.admin
    with xnatpy.connect(xnat.url, user=user, password=password, loglevel="ERROR") as session:
        yield session
    # xnatpy keeps weak references to the listings of every session, and asks the dead ones, too.
    gc.collect()


@pytest.fixture
def series(tmp_path: Path) -> Path:
    """A zip with one DICOM series."""
    target = tmp_path / "series.zip"
    with zipfile.ZipFile(target, "w") as archive:
        for path in write_series(tmp_path / "series"):
            archive.write(path, path.name)
    return target


def test_it_walks_down_the_hierarchy(peer: Any) -> None:
    session = peer.projects["P1"].subjects["S1"].experiments["MR1"]
    assert session.label == "MR1"
    assert [(scan.id, scan.type) for scan in session.scans.values()] == [("1", "T1w")]
    assert list(session.scans["1"].resources["DICOM"].files.keys()) == ["a.dcm", "b.dcm"]


def test_it_creates_subjects_sessions_and_scans(peer: Any, xnat: XNAT) -> None:
    subject = peer.classes.SubjectData(parent=peer.projects["P1"], label="S2")
    session = peer.classes.MrSessionData(parent=subject, label="MR2")
    peer.classes.MrScanData(parent=session, id="3", type="T2w")
    stored = xnat.store.items.experiment_in("P1", "MR2")
    assert stored and stored.xsi_type == "xnat:mrSessionData"
    assert [scan.fields for scan in xnat.store.items.scans(stored.id)] == [{"type": "T2w"}]


def test_it_sets_fields_and_custom_variables(peer: Any, xnat: XNAT) -> None:
    subject = peer.projects["P1"].subjects["S1"]
    subject.demographics.gender = "female"
    subject.fields["cohort"] = "A"
    subject.clearcache()
    assert (subject.demographics.gender, dict(subject.fields)) == ("female", {"cohort": "A"})


def test_it_puts_and_gets_a_file(peer: Any, tmp_path: Path) -> None:
    source, target = tmp_path / "note.txt", tmp_path / "back.txt"
    source.write_text("hello")
    resource = peer.projects["P1"].experiments["MR1"].create_resource("NOTES")
    resource.upload(str(source), "note.txt")
    resource.files["note.txt"].download(str(target), verbose=False)
    assert target.read_text() == "hello"


def test_it_downloads_a_session(peer: Any, tmp_path: Path) -> None:
    session = peer.projects["P1"].experiments["MR1"]
    session.download_dir(str(tmp_path / "out"), verbose=False)
    names = {path.name: path.read_bytes() for path in (tmp_path / "out").rglob("*.dcm")}
    assert names == {"a.dcm": b"AAAA", "b.dcm": b"B"}


def test_it_shares_and_deletes_a_session(peer: Any, xnat: XNAT) -> None:
    xnat.has_project("P2")
    session = peer.projects["P1"].experiments["MR1"]
    session.share("P2")
    assert xnat.store.items.experiment_in("P2", "MR1")
    session.delete()
    assert xnat.store.items.experiment_in("P1", "MR1") is None


def test_it_searches(peer: Any) -> None:
    sessions = peer.classes.MrSessionData
    found = sessions.query().filter(sessions.label == "MR1").all()
    assert [session.label for session in found] == ["MR1"]
    assert sessions.query().filter(sessions.label == "MR9").all() == []


def test_it_imports_into_the_archive(peer: Any, series: Path) -> None:
    session = peer.services.import_(
        str(series), project="P1", subject="S3", experiment="MR3", destination="/archive"
    )
    assert (session.label, list(session.scans.keys())) == ("MR3", ["1"])
    assert len(session.scans["1"].resources["DICOM"].files) == 3


def test_it_archives_from_the_prearchive(peer: Any, series: Path) -> None:
    peer.services.import_(str(series), project="P1", destination="/prearchive/projects/P1")
    (staged,) = peer.prearchive.sessions()
    assert (staged.project, staged.status) == ("P1", "READY")
    session = staged.archive(subject="S4", experiment="MR4")
    assert session.label == "MR4"
    assert peer.prearchive.sessions() == []


def test_it_uses_alias_tokens(peer: Any, xnat: XNAT) -> None:
    token = peer.services.issue_token()
    with xnatpy.connect(
        xnat.url, user=token.alias, password=token.secret, loglevel="ERROR"
    ) as session:
        assert list(session.projects.keys()) == ["P1"]
