"""What has just been seen is not asked for again: each request is a way to the server and back.

What stays is the look before a change, and the one behind it.
"""

from __future__ import annotations

from support.answers import Run
from support.sandbox import XNAT


def asked(xnat: XNAT) -> list[str]:
    """The requests for data so far, without their queries."""
    requests = xnat.requests(path="/data/")
    return [f"{one.method} {one.path}" for one in requests if one.path != "/data/JSESSION"]


def test_a_scan_is_looked_at_before_and_behind_a_change(xnat: XNAT, edit: Run) -> None:
    session = xnat.has_session("P1", "S1", "MR1", scans={"1": {}})
    record = {"kind": "scan", "id": "1", "session_id": session.id}
    assert edit("set", "quality=unusable", records=[record]).values("outcome") == ["done"]
    there = f"/data/experiments/{session.id}"
    assert asked(xnat) == [
        f"GET {there}",
        "GET /data/projects/P1/subjects",
        f"GET {there}/scans/1",
        f"PUT {there}/scans/1",
        f"GET {there}/scans/1",
    ]


def test_a_project_is_counted_once(xnat: XNAT, edit: Run) -> None:
    xnat.has_session("P1", "S1", "MR1")
    answer = edit("set", "-P", "P1", "note=x", "accessibility=protected")
    assert answer.values("accessibility", "subject_count", "session_count", "outcome") == [
        ("protected", 1, 1, "done")
    ]
    requests = asked(xnat)
    assert requests.count("GET /data/projects/P1/subjects") == 1
    assert requests.count("GET /data/projects/P1/experiments") == 1


def test_the_session_of_files_is_looked_up_once(xnat: XNAT, edit: Run) -> None:
    session = xnat.has_session("P1", "S1", "MR1", scans={"1": {"a": b"a", "b": b"b"}})
    record = {"kind": "file", "session_id": session.id, "scan": "1", "resource": "DICOM"}
    records = [{**record, "path": name} for name in ("a", "b")]
    assert edit("delete", "--yes", records=records).values("outcome") == ["done", "done"]
    there = f"/data/experiments/{session.id}"
    requests = asked(xnat)
    assert requests.count(f"GET {there}") == 1
    assert requests.count(f"GET {there}/scans/1") == 1
    assert requests.count("GET /data/projects/P1/subjects") == 1


def test_a_merge_surveys_its_subjects_once(xnat: XNAT, edit: Run) -> None:
    xnat.has_session("P1", "A", "MR1")
    xnat.has_session("P1", "B", "MR2")
    assert edit("merge", "subject", "-P", "P1", "A", "B", "--yes").values("outcome") == ["done"]
    requests = asked(xnat)
    # What is to be moved, and that nothing is left before the source is deleted.
    assert requests.count("GET /data/projects/P1/experiments") - 1 == 2
    # Is it there, may it be deleted; and again behind the moves, and when it is gone.
    source = xnat.requests("DELETE")[0].path
    assert requests.count(f"GET {source}") == 4


def test_a_new_session_is_looked_for_before_and_behind(xnat: XNAT, edit: Run) -> None:
    xnat.has_subject("P1", "S1")
    answer = edit("create", "session", "-P", "P1", "-S", "S1", "MR1")
    assert answer.values("label", "outcome") == [("MR1", "done")]
    assert asked(xnat).count("GET /data/projects/P1/experiments/MR1") == 2
