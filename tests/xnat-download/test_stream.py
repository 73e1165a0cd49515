"""Records on standard input, whatever their kind, become files; records say what came of it."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from support.downloads import Downloader
from support.sandbox import XNAT
from xnat_core.progress import Progress
from xnat_download.engine import Engine
from xnat_sandbox.model import Owner

SCANS = {"1": {"a.dcm": b"a" * 1000, "sub/b.dcm": b"b" * 10}, "2-MR1": {"c.dcm": b""}}


def test_a_session_gives_one_record_with_what_was_done(download: Downloader) -> None:
    download.xnat.has_session("P1", "S1", "MR1", SCANS)
    ran = download.session("MR1")
    assert ran.status == 0, ran.err
    record = ran.record
    assert record["kind"] == "session"
    assert record["path"] == str(download.out / "MR1")
    facts = ("files", "bytes", "skipped", "verified", "outcome")
    assert [record[key] for key in facts] == [3, 1010, 0, 3, "done"]
    assert "unverifiable" not in record


def test_one_listing_and_one_archive_for_each_resource(download: Downloader) -> None:
    session = download.xnat.has_session("P1", "S1", "MR1", SCANS)
    download.session("MR1")
    below = f"/data/experiments/{session.id}"
    listings = [r.full_path for r in download.xnat.requests("GET", below) if "json" in r.full_path]
    assert listings == [f"{below}/files?all=true&format=json"]
    assert sorted(download.fetched()) == [
        f"{below}/scans/1/resources/DICOM/files?format=tar",
        f"{below}/scans/2-MR1/resources/DICOM/files?format=tar",
    ]


def test_the_second_run_transfers_nothing_and_says_skipped(download: Downloader) -> None:
    download.xnat.has_session("P1", "S1", "MR1", SCANS)
    download.session("MR1")
    fetched = len(download.fetched())
    ran = download.session("MR1")
    assert ran.status == 0
    assert (ran.record["outcome"], ran.record["skipped"]) == ("skipped", 3)
    assert (ran.record["files"], ran.record["bytes"]) == (0, 0)
    assert len(download.fetched()) == fetched


def test_unknown_keys_of_a_record_are_kept(download: Downloader) -> None:
    download.xnat.has_session("P1", "S1", "MR1", SCANS)
    record = {**download.record("MR1"), "mine": [1, 2]}
    assert download.records(record).record["mine"] == [1, 2]


def test_scan_resource_and_file_records_bring_just_that(download: Downloader) -> None:
    xnat = download.xnat
    session = xnat.has_session("P1", "S1", "MR1", SCANS, resources={"NOTES": {"n.txt": b"hi"}})
    above = {"project": "P1", "session": "MR1", "session_id": session.id}
    uri = f"/data/experiments/{session.id}"
    number = xnat.store.resources.find(Owner.of(session), "NOTES")
    assert number is not None
    file = {
        **{"kind": "file", "uri": f"{uri}/resources/{number.number}/files/n.txt"},
        **{"name": "n.txt", "path": "n.txt", "resource": "NOTES", "size": 2, **above},
    }
    where = f"{uri}/scans/1/resources/DICOM"
    ran = download.records(
        {"kind": "scan", "id": "2-MR1", "uri": f"{uri}/scans/2-MR1", **above},
        {"kind": "resource", "label": "DICOM", "uri": where, "scan": "1", **above},
        file,
    )
    assert ran.status == 0, ran.err
    paths = {r["kind"]: r.get("local_path", r.get("path")) for r in ran.records}
    assert paths == {
        "scan": str(download.out / "MR1/scans/2-MR1"),
        "resource": str(download.out / "MR1/scans/1/resources/DICOM"),
        "file": str(download.out / "MR1/resources/NOTES/files/n.txt"),
    }
    assert next(r for r in ran.records if r["kind"] == "file")["path"] == "n.txt"
    assert sorted(download.files("MR1")) == [
        "resources/NOTES/files/n.txt",
        "scans/1/resources/DICOM/files/a.dcm",
        "scans/1/resources/DICOM/files/sub/b.dcm",
        "scans/2-MR1/resources/DICOM/files/c.dcm",
    ]


def test_a_subject_is_all_its_sessions(download: Downloader) -> None:
    download.xnat.has_session("P1", "S1", "MR1", SCANS)
    download.xnat.has_session("P1", "S2", "MR2", SCANS)
    subject = download.xnat.has_subject("P1", "S1")
    record = {"kind": "subject", "id": subject.id, "label": "S1", "project": "P1"}
    ran = download.records(record)
    assert (ran.status, ran.record["files"]) == (0, 3)
    assert {path.name for path in download.out.iterdir()} == {"MR1"}


def test_resources_of_projects_and_subjects_have_their_own_places(download: Downloader) -> None:
    xnat = download.xnat
    xnat.has_session("P1", "S1", "MR1", SCANS, resources={"NOTES": {"n.txt": b"n"}})
    xnat.has_resource(xnat.has_project("P1"), "DOCS", {"d.txt": b"d"})
    xnat.has_resource(xnat.has_subject("P1", "S1"), "FORMS", {"f.txt": b"f"})
    ran = download.records({"kind": "project", "id": "P1"}, words=["--session-resources"])
    assert ran.status == 0, ran.err
    assert (ran.record["kind"], ran.record["files"]) == ("project", 6)
    others = {path: data for path, data in download.files().items() if "/scans/" not in path}
    assert others == {
        "MR1/resources/NOTES/files/n.txt": b"n",
        "projects/P1/resources/DOCS/files/d.txt": b"d",
        "subjects/S1/resources/FORMS/files/f.txt": b"f",
    }


def test_assessors_are_found_under_their_labels(download: Downloader) -> None:
    xnat = download.xnat
    session = xnat.has_session("P1", "S1", "MR1", SCANS)
    assessor = xnat.store.items.create_experiment(
        "P1", "MR1_QC", "xnat:qcManualAssessorData", session_id=session.id
    )
    resources = xnat.store.resources
    resources.put_bytes(resources.ensure(Owner.of(assessor), "QC"), "q.txt", b"q")
    ran = download.session("MR1", "--assessors", "--each")
    known = {record["path"]: record.get("assessor") for record in ran.of("file")}
    assert known == {"a.dcm": None, "sub/b.dcm": None, "c.dcm": None, "q.txt": assessor.id}
    assert download.files("MR1/assessors") == {"MR1_QC/resources/QC/files/q.txt": b"q"}


@pytest.mark.parametrize("kind", ["session", "scan", "resource", "file", "project", "subject"])
def test_what_is_not_there_any_more_is_not_found(download: Downloader, kind: str) -> None:
    above = {"session": "GONE", "session_id": "XNAT_E99999", "project": "P9"}
    uri = "/data/experiments/XNAT_E99999/scans/1/resources/7"
    record = {"kind": kind, "id": "XNAT_E99999", "label": "GONE", "path": "a", **above}
    record |= {"uri": f"{uri}/files/a" if kind == "file" else uri}
    ran = download.records(record)
    assert (ran.status, ran.record["outcome"]) == (5, "failed"), ran.record


@pytest.mark.parametrize("below", ["files", "resources/DICOM/files"])
def test_a_scan_that_is_gone_is_not_its_session(download: Downloader, below: str) -> None:
    xnat = download.xnat
    session = xnat.has_session("P1", "S1", "MR1", SCANS, resources={"DICOM": {"n.txt": b"hi"}})
    uri = f"/data/experiments/{session.id}"

    def falls_back(request: Request) -> Response | None:
        if request.path != f"{uri}/scans/9/{below}":
            return None
        answer = xnat.call("GET", f"{uri}/{below}", params=request.args)
        return Response(answer.content, content_type="application/json")

    xnat.before(falls_back)
    above = {"project": "P1", "session": "MR1", "session_id": session.id}
    record = {"kind": "scan", "id": "9", **above}
    if below != "files":
        where = f"{uri}/scans/9/resources/DICOM"
        record = {"kind": "resource", "label": "DICOM", "uri": where, **above}
    ran = download.records(record, words=["--session-resources"])
    assert (ran.status, ran.record["outcome"]) == (5, "failed"), ran.record
    assert download.files() == {}


def test_a_uri_may_be_a_whole_url_of_this_server_only(download: Downloader) -> None:
    session = download.xnat.has_session("P1", "S1", "MR1", SCANS)
    path = f"/data/experiments/{session.id}/scans/1/resources/DICOM"
    above = {"project": "P1", "session": "MR1", "session_id": session.id, "scan": "1"}
    resource = {"kind": "resource", "label": "DICOM", **above}
    ran = download.records(
        {**resource, "uri": f"http://evil.example.org{path}"},
        {**resource, "uri": f"{download.xnat.url}{path}"},
    )
    assert [(r["kind"], r["outcome"]) for r in ran.records] == [
        ("input", "failed"),
        ("resource", "done"),
    ]
    assert "evil.example.org is another server" in ran.err


def test_one_failure_does_not_stop_the_rest(download: Downloader) -> None:
    download.xnat.has_session("P1", "S1", "MR1", SCANS)
    gone = {"kind": "session", "id": "XNAT_E99999", "label": "GONE", "project": "P1"}
    ran = download.records(gone, download.record("MR1"))
    assert ran.status == 5
    assert {r["label"]: r["outcome"] for r in ran.records} == {"GONE": "failed", "MR1": "done"}


def test_failed_and_planned_records_pass_by(download: Downloader) -> None:
    download.xnat.has_session("P1", "S1", "MR1", SCANS)
    planned = {**download.record("MR1"), "outcome": "planned"}
    ran = download.records(planned)
    assert (ran.status, ran.record) == (0, planned)
    assert download.files() == {}


def test_each_file_can_have_a_record(download: Downloader) -> None:
    download.xnat.has_session("P1", "S1", "MR1", SCANS)
    ran = download.session("MR1", "--each")
    files = ran.of("file")
    assert {file["path"] for file in files} == {"a.dcm", "sub/b.dcm", "c.dcm"}
    assert all(Path(file["local_path"]).is_file() for file in files)
    assert {file["outcome"] for file in files} == {"done"}
    assert {file["outcome"] for file in download.session("MR1", "--each").of("file")} == {"skipped"}


def test_a_dry_run_writes_nothing_and_tells_how_much(download: Downloader) -> None:
    download.xnat.has_session("P1", "S1", "MR1", SCANS)
    ran = download.session("MR1", "--dry-run")
    facts = ("outcome", "files", "bytes")
    assert [ran.record[key] for key in facts] == ["planned", 3, 1010]
    assert not download.out.exists()


def test_workers_share_one_pool(download: Downloader, xnat: XNAT) -> None:
    for label in range(6):
        xnat.has_session("P1", "S1", f"M{label}", {str(n): {"a": b"x" * 99} for n in range(5)})
    records = [download.record(f"M{label}") for label in range(6)]
    ran = download.records(*records, words=["--workers", 3])
    assert ran.status == 0
    assert {r["label"] for r in ran.records} == {f"M{label}" for label in range(6)}
    assert len(download.files()) == 30


def test_an_empty_session_is_nothing_to_do(download: Downloader) -> None:
    download.xnat.has_session("P1", "S1", "MR1")
    ran = download.session("MR1")
    assert (ran.status, ran.record["outcome"]) == (0, "skipped")
    assert not (download.out / "MR1").exists()


def test_the_manifest_tells_what_is_there(download: Downloader) -> None:
    session = download.xnat.has_session("P1", "S1", "MR1", SCANS)
    download.session("MR1")
    lines = (download.out / "MR1/manifest.ndjson").read_text().splitlines()
    entries = [json.loads(line) for line in lines]
    assert [entry["local_path"] for entry in entries] == sorted(download.files("MR1"))
    assert entries[0]["session_id"] == session.id
    assert (entries[0]["kind"], entries[0]["size"], entries[0]["scan"]) == ("file", 1000, "1")
    assert len(entries[0]["digest"]) == 32
    assert entries[0]["uri"].startswith(f"/data/experiments/{session.id}/scans/1/resources/")


@pytest.mark.parametrize(
    ("processors", "scans", "behind"), [(1, 1, False), (2, 1, True), (2, 2, False), (4, 2, True)]
)
def test_digests_are_computed_behind_as_long_as_a_processor_is_free(
    download: Downloader,
    monkeypatch: pytest.MonkeyPatch,
    processors: int,
    scans: int,
    behind: bool,
) -> None:
    begun = threading.Barrier(scans)
    decided: dict[int, bool] = {}
    decide = Engine.hashes_behind

    def noting(engine: Engine, size: int) -> bool:
        if size == 300_000:
            begun.wait(10)
        decided[size] = decided.get(size, False) or decide(engine, size)
        if size == 300_000:
            begun.wait(10)
        return decide(engine, size)

    monkeypatch.setattr(Engine, "hashes_behind", noting)
    monkeypatch.setattr("xnat_download.engine._PROCESSORS", processors)
    files = {"a.dcm": b"x" * 1000, "b.dcm": b"x" * 300_000}
    download.xnat.has_session("P1", "S1", "MR1", {str(n): files for n in range(scans)})
    assert download.session("MR1", "-w", "2").status == 0
    assert decided == {1000: False, 300_000: behind}


def test_nothing_is_drawn_before_a_record_has_come(
    download: Downloader, xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Told(Progress):
        def start(self, *_: object, **__: object) -> None:
            started.append(True)

    started: list[bool] = []
    monkeypatch.setattr("xnat_core.progress.reporter", lambda quiet: Told(None))
    xnat.has_session("P1", "S1", "MR1", scans={"1": {"a.dcm": b"1"}})
    download.records()
    assert started == []
    assert download.session("MR1").status == 0
    assert started
