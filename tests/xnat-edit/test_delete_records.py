"""xnat-edit delete of what records name: the object that was listed, its project's own."""

from __future__ import annotations

import pytest

from support.answers import Run
from support.edited import changes, furnished, record
from support.sandbox import XNAT


def test_records_of_all_kinds_are_deleted(xnat: XNAT, edit: Run) -> None:
    session = furnished(xnat)
    other = xnat.has_session("P1", "S2", "MR2")
    empty = xnat.has_subject("P1", "S3")
    answer = edit(
        "delete",
        "--yes",
        records=[
            record(xnat, "file", path="n.txt", resource="NOTES", session_id=session.id),
            record(xnat, "resource", label="CONSENT", project="P1", subject="S1"),
            record(xnat, "scan", id="1", session_id=session.id, note="kept"),
            record(xnat, "session", id=other.id, project="P1"),
            record(xnat, "subject", id=empty.id, project="P1"),
            record(xnat, "project", id="NOPE"),
        ],
    )
    assert sorted(answer.values("kind", "outcome")) == [
        ("file", "done"),
        ("project", "failed"),
        ("resource", "done"),
        ("scan", "done"),
        ("session", "done"),
        ("subject", "done"),
    ]
    assert [r["note"] for r in answer.records if r["kind"] == "scan"] == ["kept"]
    assert [scan.id for scan in xnat.store.items.scans(session.id)] == ["2"]
    assert xnat.files(session, "NOTES") == {}


def test_failed_and_planned_records_are_handed_on(xnat: XNAT, edit: Run) -> None:
    session = furnished(xnat)
    known = [
        record(xnat, "scan", id="1", session_id=session.id, outcome="planned"),
        record(xnat, "scan", id="2", outcome="failed", error={"exit_status": 4}),
    ]
    answer = edit("delete", "--yes", records=known)
    assert (answer.status, answer.records) == (4, known)
    assert changes(xnat) == []


def test_a_dry_run_tells_the_same_and_changes_nothing(xnat: XNAT, edit: Run) -> None:
    session = furnished(xnat)
    scans = [record(xnat, "scan", id=id, session_id=session.id) for id in ("1", "9")]
    dry = edit("delete", "--dry-run", records=scans)
    assert changes(xnat) == []
    real = edit("delete", "--yes", records=scans)
    assert sorted(dry.values("id", "outcome")) == [("1", "planned"), ("9", "failed")]
    assert sorted(real.values("id", "outcome")) == [("1", "done"), ("9", "failed")]
    assert dry.status == real.status == 5


def test_only_records_of_the_named_kind_are_read(xnat: XNAT, edit: Run) -> None:
    session = furnished(xnat)
    answer = edit("delete", "scans", "--yes", records=[record(xnat, "session", id=session.id)])
    assert (answer.status, changes(xnat)) == (1, [])
    assert "reads records of kind scan, not 'session'" in answer.err


def test_a_session_that_is_only_shared_is_refused(xnat: XNAT, edit: Run) -> None:
    session = furnished(xnat)
    xnat.has_project("P2")
    xnat.store.items.share(session.id, "P2", "ALT")
    for words, records in (
        (("session", "-P", "P2", "ALT"), None),
        ((), [record(xnat, "session", id=session.id, label="ALT", project="P2")]),
    ):
        answer = edit("delete", *words, "--yes", records=records)
        assert answer.status == 2
        assert "is only shared into P2" in answer.err
        assert "xnat-edit unshare P2" in answer.err
    assert changes(xnat) == []


@pytest.mark.parametrize("words", [("session",), ("subject", "--force")])
def test_what_is_only_shared_is_refused_by_an_alias_of_the_project_too(
    xnat: XNAT, edit: Run, words: tuple[str, ...]
) -> None:
    session = furnished(xnat)
    xnat.store.items.create_project("P2", aliases=("SECOND",))
    for item in (session.id, session.subject_id):
        xnat.store.items.share(item, "P2", "ALT")
    answer = edit("delete", *words, "-P", "SECOND", "ALT", "--yes")
    assert answer.status == 2
    assert "is only shared into P2" in answer.err
    assert changes(xnat) == []


def test_records_of_a_listing_by_alias_are_of_that_project(xnat: XNAT, edit: Run) -> None:
    session = furnished(xnat)
    assert xnat.call("PUT", "/data/projects/P1?alias=FIRST").status_code == 200
    listed = [
        record(xnat, "session", id=session.id, label="MR1", project="FIRST"),
        record(xnat, "subject", id=session.subject_id, label="S1", project="FIRST"),
    ]
    answer = edit("delete", "--dry-run", "--force", records=listed)
    # As they are done, several at once.
    assert sorted(answer.values("id", "project", "outcome")) == [
        (session.id, "P1", "planned"),
        (session.subject_id, "P1", "planned"),
    ]


def test_a_record_of_its_own_project_is_not_asked_for_that_project(xnat: XNAT, edit: Run) -> None:
    session = furnished(xnat)
    listed = [record(xnat, "session", id=session.id, label="MR1", project="P1")]
    assert edit("delete", "--yes", records=listed).values("outcome") == ["done"]
    assert [one.path for one in xnat.requests("GET") if one.path == "/data/projects/P1"] == []


def test_a_record_of_another_server_is_refused(xnat: XNAT, edit: Run) -> None:
    session = furnished(xnat)
    known = record(xnat, "scan", id="1", session_id=session.id)
    answer = edit("delete", "--yes", records=[known, {**known, "server": "http://elsewhere:1"}])
    assert sorted(answer.values("outcome")) == ["done", "failed"]
    assert "the record is of http://elsewhere:1" in answer.err


@pytest.mark.parametrize("kind", ["resource", "file"])
@pytest.mark.parametrize("lost", [{"session": ""}, {"scan": "1"}, {"session": "MR1", "scan": None}])
def test_a_record_that_lost_its_session_or_scan_is_not_taken_for_one_of_its_parent(
    xnat: XNAT, edit: Run, kind: str, lost: dict[str, str | None]
) -> None:
    session = furnished(xnat)
    project = xnat.store.items.project("P1")
    assert project is not None
    for item in (project, session):
        xnat.has_resource(item, "NOTES", {"n.txt": b"n"})
    known = {"project": "P1", "label": "NOTES", "resource": "NOTES", "path": "n.txt"}
    answer = edit("delete", "--yes", records=[{"kind": kind, **known, **lost}])
    assert (answer.status, answer.values("outcome")) == (1, ["failed"])
    assert all("n.txt" in xnat.files(item, "NOTES") for item in (project, session))
