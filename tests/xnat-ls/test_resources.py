"""xnat-ls resources and xnat-ls files."""

from __future__ import annotations

import pytest
from werkzeug.wrappers import Response

from support.answers import Run
from support.sandbox import XNAT


@pytest.fixture(autouse=True)
def furnished(xnat: XNAT) -> None:
    xnat.has_session(
        "P1",
        "S1",
        "MR1",
        {"10": {"a.dcm": b"abc"}, "2": {"sub/b.dcm": b"xy"}},
        resources={"NOTES": {"n ü.txt": b"hi"}},
    )
    xnat.has_resource(xnat.has_project("P1"), "PROTOCOL", {"p.pdf": b"p"})
    xnat.has_resource(xnat.has_subject("P1", "S1"), "CONSENT", {"c.pdf": b"c"})


@pytest.mark.parametrize(
    ("words", "labels"),
    [
        (("-P", "P1"), ["PROTOCOL"]),
        (("-P", "P1", "-S", "S1"), ["CONSENT"]),
        (("-P", "P1", "MR1"), ["NOTES"]),
        (("-P", "P1", "-E", "MR1"), ["NOTES"]),
        (("-P", "P1", "MR1", "--scan", "2"), ["DICOM"]),
        (("-P", "P1", "MR1", "--all"), ["NOTES", "DICOM", "DICOM"]),
        (("-P", "P1", "MR1", "--all", "NOTES"), ["NOTES"]),
        (("-P", "P1", "-E", "MR1", "NOTES"), ["NOTES"]),
    ],
)
def test_resources_of_every_level(ls: Run, words: tuple[str, ...], labels: list[str]) -> None:
    answer = ls("resources", *words)
    assert (answer.status, answer.err) == (0, "")
    assert answer.values("label") == labels


def test_a_record_has_counts_and_parents(xnat: XNAT, ls: Run) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    record = ls("resources", "-P", "P1", "MR1", "--scan", "10").records[0]
    del record["id"]
    assert record == {
        "kind": "resource",
        "server": xnat.url,
        "uri": f"/data/experiments/{session.id}/scans/10/resources/DICOM",
        "label": "DICOM",
        "project": "P1",
        "subject": "S1",
        "subject_id": session.subject_id,
        "session": "MR1",
        "session_id": session.id,
        "scan": "10",
        "category": "scans",
        "format": "DICOM",
        "content": "RAW",
        "file_count": 1,
        "file_size": 3,
    }


def test_a_table_of_resources(ls: Run) -> None:
    assert ls("resources", "-P", "P1", "MR1", "--all", "-o", "tsv").out == (
        "label\tformat\tfile_count\tfile_size\tcontent\tscan\n"
        "NOTES\t\t1\t2\t\t\n"
        "DICOM\tDICOM\t1\t2\tRAW\t2\n"
        "DICOM\tDICOM\t1\t3\tRAW\t10\n"
    )


def test_long_tells_the_first_twenty_files(xnat: XNAT, ls: Run) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    xnat.has_resource(session, "MANY", {f"{n}.txt": b"x" for n in range(1, 23)})
    record = ls("resources", "-P", "P1", "MR1", "MANY", "--long").records[0]
    assert record["files"] == [f"{n}.txt" for n in range(1, 21)]
    assert (record["files_truncated"], record["total_files"]) == (True, 22)


@pytest.mark.parametrize("command", ["resources", "files"])
def test_an_unknown_resource_is_told(ls: Run, command: str) -> None:
    answer = ls(command, "-P", "P1", "MR1", "NOPE")
    assert answer.status == 5
    assert answer.err.startswith("xnat-ls: resource 'MR1/NOPE' not found\n")
    parents = ("project", "subject", "session", "label")
    assert [answer.records[0][key] for key in parents] == ["P1", "S1", "MR1", "NOPE"]


@pytest.mark.parametrize("command", ["resources", "files"])
def test_an_unknown_session_or_scan_is_told(ls: Run, command: str) -> None:
    answer = ls(command, "-P", "P1", "MR9")
    assert (answer.status, answer.err.splitlines()[0]) == (
        5,
        "xnat-ls: session 'P1/MR9' not found",
    )
    answer = ls(command, "-P", "P1", "MR1", "--scan", "9")
    assert (answer.status, answer.err.splitlines()[0]) == (5, "xnat-ls: scan 'MR1/9' not found")


@pytest.mark.parametrize("command", ["resources", "files"])
def test_a_scan_needs_a_session(ls: Run, command: str) -> None:
    answer = ls(command, "-P", "P1", "--scan", "2")
    assert (answer.status, answer.out) == (2, "")
    assert "--scan needs a session" in answer.err


def test_files_of_a_session_with_all_below_it(xnat: XNAT, ls: Run) -> None:
    answer = ls("files", "-P", "P1", "MR1")
    assert sorted(answer.values("resource", "scan", "path", "size"), key=str) == [
        ("DICOM", "10", "a.dcm", 3),
        ("DICOM", "2", "sub/b.dcm", 2),
        ("NOTES", None, "n ü.txt", 2),
    ]
    assert len([r for r in xnat.requests("GET", "/data/experiments") if "/files" in r.path]) == 1


@pytest.mark.parametrize(
    ("words", "paths"),
    [
        (("-P", "P1"), ["p.pdf"]),
        (("-P", "P1", "-S", "S1"), ["c.pdf"]),
        (("-P", "P1", "MR1", "NOTES"), ["n ü.txt"]),
        (("-P", "P1", "MR1", "--scan", "2"), ["sub/b.dcm"]),
        (("-P", "P1", "-E", "MR1", "--scan", "2", "DICOM"), ["sub/b.dcm"]),
    ],
)
def test_files_of_every_level(ls: Run, words: tuple[str, ...], paths: list[str]) -> None:
    answer = ls("files", *words)
    assert (answer.status, answer.err) == (0, "")
    assert answer.values("path") == paths


def test_the_uri_of_a_file_can_be_asked_for(xnat: XNAT, ls: Run) -> None:
    record = ls("files", "-P", "P1", "MR1", "NOTES").records[0]
    assert record["uri"].endswith("/files/n%20%C3%BC.txt")
    assert record["digest"] == "49f68a5c8493ec2c0bf489821c21fc3b"


def test_records_of_every_kind_give_their_files(ls: Run) -> None:
    project = ls("projects", "P1").records
    subjects = ls("subjects", "-P", "P1").records
    sessions = ls("sessions", "-P", "P1").records
    scans = ls("scans", records=sessions).records
    resources = ls("resources", records=sessions).records
    answer = ls("files", records=[*project, *subjects, *scans, *resources])
    assert (answer.status, answer.err) == (0, "")
    assert answer.values("path") == ["p.pdf", "c.pdf", "sub/b.dcm", "a.dcm", "n ü.txt"]


def test_no_files_are_not_believed_where_the_server_counts_some(xnat: XNAT, ls: Run) -> None:
    (session,) = ls("sessions", "-P", "P1").records
    (notes,) = ls("resources", records=[session]).records
    xnat.before(
        lambda request: (
            Response('{"ResultSet": {"Result": []}}', content_type="application/json")
            if request.path.endswith("/files")
            else None
        )
    )
    for words, records, labels in (
        (("-P", "P1", "MR1"), None, ["NOTES", "DICOM", "DICOM"]),
        (("-P", "P1", "MR1", "NOTES"), None, ["NOTES"]),
        ((), [session], ["NOTES", "DICOM", "DICOM"]),
        ((), [notes], ["NOTES"]),
    ):
        answer = ls("files", *words, records=records)
        assert (answer.status, answer.values("label")) == (1, labels)
        assert "the server lists no files, but counts 1 in resource NOTES" in answer.err


@pytest.mark.parametrize("command", ["resources", "files"])
def test_what_is_asked_for_counts_for_records_as_well(ls: Run, command: str) -> None:
    sessions = ls("sessions", "-P", "P1").records
    scans, resources = ls("scans", records=sessions).records, ls("resources", records=sessions)
    assert ls(command, "--scan", "2", records=sessions).values("scan") == ["2"]
    assert ls(command, "--scan", "2", records=scans).status == 1
    assert ls(command, "-", "OTHER", records=resources.records).out == ""
    assert len(ls(command, "-", "NOTES", records=resources.records).records) == 1


def test_records_of_sessions_give_all_resources_below_them(ls: Run) -> None:
    sessions = ls("sessions", "-P", "P1").records
    answer = ls("resources", "--all", records=sessions)
    assert answer.values("scan", "label") == [(None, "NOTES"), ("2", "DICOM"), ("10", "DICOM")]


def test_a_resource_record_is_told_at_length(ls: Run) -> None:
    resources = ls("resources", "-P", "P1").records
    answer = ls("resources", "--long", records=resources)
    assert answer.values("label", "total_files", "files") == [("PROTOCOL", 1, ["p.pdf"])]


def test_a_resource_record_is_told_as_the_server_has_it_now(xnat: XNAT, ls: Run) -> None:
    (listed,) = ls("resources", "-P", "P1").records
    xnat.has_resource(xnat.has_project("P1"), "PROTOCOL", {"q.pdf": b"q"})
    assert ls("resources", records=[listed]).records == ls("resources", "-P", "P1").records
    gone = {**listed, "id": "99", "label": "GONE", "uri": "/data/projects/P1/resources/GONE"}
    answer = ls("resources", records=[gone])
    assert (answer.status, answer.records[0]["outcome"]) == (5, "failed")


def test_resources_without_a_label_are_told_apart_by_their_numbers(xnat: XNAT, ls: Run) -> None:
    (session,) = ls("sessions", "-P", "P1").records
    where = f"{session['uri']}/resources"
    rows = [{"xnat_abstractresource_id": n, "label": "", "file_count": n} for n in ("7", "8")]
    files = [{"Name": n, "URI": f"{where}/{n}/files/{n}", "collection": ""} for n in ("7", "8")]
    for path, found in ((where, rows), (f"{session['uri']}/files", files)):
        xnat.server.expect_request(path).respond_with_json({"ResultSet": {"Result": found}})
    listed = ls("resources", "-P", "P1", "MR1").records
    assert ls("resources", records=listed).values("id", "file_count") == [("7", 7), ("8", 8)]
    assert ls("resources", "-P", "P1", "MR1", "8").values("id") == ["8"]
    assert ls("files", "-P", "P1", "MR1", "8").values("path") == ["8"]
    for command in ("resources", "files"):
        assert ls(command, "-P", "P1", "MR1", "9").status == 5


@pytest.mark.parametrize("command", ["resources", "files"])
def test_a_resource_record_of_no_place_is_not_found(ls: Run, command: str) -> None:
    answer = ls(command, records=[{"kind": "resource", "label": "PROTOCOL"}])
    assert (answer.status, answer.records[0]["outcome"]) == (5, "failed")


def test_quiet_prints_labels_and_paths(ls: Run) -> None:
    assert ls("resources", "-P", "P1", "-q").out == "PROTOCOL\n"
    assert ls("files", "-P", "P1", "-q").out == "p.pdf\n"


def test_files_of_scans_whose_type_is_the_id_of_this_one_are_not_its_files(
    xnat: XNAT, ls: Run
) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    xnat.has_scan(session, "T1w", {"own.dcm": b"own"}, type="localizer")
    scans = ls("scans", "-P", "P1", "-E", "MR1", "--where", "id=T1w").records
    assert ls("files", records=scans).values("scan", "path") == [("T1w", "own.dcm")]
    answer = ls("files", "-P", "P1", "MR1", "--scan", "T1w")
    assert answer.values("scan", "path") == [("T1w", "own.dcm")]


@pytest.mark.parametrize("command", ["files", "resources"])
def test_what_is_listed_of_other_places_is_not_that_of_a_scan(
    xnat: XNAT, ls: Run, command: str
) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    below = f"/data/experiments/{session.id}"
    rows = xnat.rows(f"{below}/{command}?all=true")
    told = [row for row in rows if row.get("category") != "resources"]
    xnat.server.expect_request(f"{below}/scans/2/{command}").respond_with_json(
        {"ResultSet": {"Result": told}}
    )
    answer = ls(command, "-P", "P1", "MR1", "--scan", "2")
    assert answer.values("scan", "resource" if command == "files" else "label") == [("2", "DICOM")]
