"""With `--layout` files of different sessions may meet, in one run or years apart."""

from __future__ import annotations

from werkzeug.wrappers import Request, Response

from support.downloads import Downloader

NAMES = ("--layout", "{project}/{name}")


def test_a_file_of_another_session_from_an_earlier_run_is_not_taken_for_this_one(
    download: Downloader,
) -> None:
    for label in ("MR1", "MR2"):
        download.xnat.has_session("P1", "S1", label, {"1": {"a": label.encode()}})
    assert download.session("MR1", *NAMES).status == 0
    ran = download.session("MR2", *NAMES)
    assert ran.status == 1
    assert "would both be P1/a" in ran.record["error"]["message"]
    assert download.files() == {"P1/a": b"MR1"}


def test_it_is_not_replaced_by_one_of_another_size(download: Downloader) -> None:
    download.xnat.has_session("P1", "S1", "MR1", {"1": {"a": b"one"}})
    download.xnat.has_session("P1", "S1", "MR2", {"1": {"a": b"longer"}})
    assert download.session("MR1", *NAMES).status == 0
    assert download.session("MR2", *NAMES).status == 1
    assert download.files() == {"P1/a": b"one"}


def test_what_was_removed_since_makes_room(download: Downloader) -> None:
    for label in ("MR1", "MR2"):
        download.xnat.has_session("P1", "S1", label, {"1": {"a": label.encode()}})
    assert download.session("MR1", *NAMES).status == 0
    (download.out / "P1/a").unlink()
    assert download.session("MR2", *NAMES).status == 0
    assert download.files() == {"P1/a": b"MR2"}


def test_what_no_manifest_tells_is_compared_by_its_content(download: Downloader) -> None:
    download.xnat.has_session("P1", "S1", "MR1", {"1": {"a": b"one"}, "2": {"b": b"two"}})
    (download.out / "P1").mkdir(parents=True)
    (download.out / "P1/a").write_bytes(b"eno")
    (download.out / "P1/b").write_bytes(b"two")
    ran = download.session("MR1", *NAMES)
    assert ran.status == 0, ran.err
    assert (ran.record["files"], ran.record["skipped"]) == (1, 1)
    assert download.files() == {"P1/a": b"one", "P1/b": b"two"}


def test_the_same_session_again_transfers_nothing(download: Downloader) -> None:
    session = download.xnat.has_session("P1", "S1", "MR1", {"1": {"a": b"one"}})
    assert download.session("MR1", *NAMES).status == 0
    assert download.session("MR1", *NAMES).record["outcome"] == "skipped"
    resource = {
        "kind": "resource",
        "server": download.record("MR1")["server"],
        "label": "DICOM",
        "uri": f"/data/experiments/{session.id}/scans/1/resources/DICOM",
        "session": "MR1",
        "session_id": session.id,
        "subject": "S1",
        "scan": "1",
        "project": "P1",
    }
    assert download.records(resource, words=NAMES).record["outcome"] == "skipped"


def test_parents_that_a_record_does_not_name_are_looked_up(download: Downloader) -> None:
    session = download.xnat.has_session("P1", "S1", "MR1", {"1": {"a": b"one"}})
    record = {"kind": "session", "id": session.id, "label": "MR1"}
    words = ("--layout", "{project}/{subject}/{name}")
    assert download.records(record, words=words).status == 0
    scan = {"kind": "scan", "id": "1", "session_id": session.id, "session": "MR1"}
    assert download.records(scan, words=words).record["outcome"] == "skipped"
    assert download.files() == {"P1/S1/a": b"one"}


def without_digests(download: Downloader) -> None:
    download.xnat.store.database.execute("UPDATE file SET digest=''")


def test_without_digests_what_no_manifest_tells_is_fetched(download: Downloader) -> None:
    download.xnat.has_session("P1", "S1", "MR1", {"1": {"a": b"one"}})
    without_digests(download)
    (download.out / "P1").mkdir(parents=True)
    (download.out / "P1/a").write_bytes(b"eno")
    assert download.session("MR1", *NAMES).record["files"] == 1
    assert download.files() == {"P1/a": b"one"}
    assert download.session("MR1", *NAMES).record["skipped"] == 1


def test_without_digests_what_came_before_a_failure_does_not_come_again(
    download: Downloader,
) -> None:
    download.xnat.has_session("P1", "S1", "MR1", {"1": {"a": b"one"}, "2": {"b": b"two"}})
    without_digests(download)
    download.xnat.before(
        lambda request: (
            Response(status=403)
            if "/scans/2/" in request.path and "/files" in request.path
            else None
        )
    )
    assert download.session("MR1", *NAMES).record["files"] == 1
    ran = download.session("MR1", *NAMES)
    assert (ran.record["files"], ran.record["skipped"], ran.record["outcome"]) == (0, 1, "failed")


def test_a_file_that_would_be_the_manifest_is_refused(download: Downloader) -> None:
    files = {"a": b"one", "manifest.ndjson": b"data"}
    download.xnat.has_session("P1", "S1", "MR1", {"1": files})
    ran = download.session("MR1", "--layout", "{session}/{name}")
    assert "where the manifest of this folder goes" in ran.of("file")[0]["error"]["message"]
    assert ran.of("session")[0]["outcome"] == "failed"
    assert download("check", download.out).status == 0
    ran = download.session("MR1", "--layout", "{session}/{scan}/{name}")
    assert (ran.status, ran.record["files"]) == (0, 2)
    assert download.files("MR1/1") == {"a": b"one"}  # its manifests are left out
    assert (download.out / "MR1/1/manifest.ndjson").read_bytes() == b"data"


def test_what_came_before_the_run_was_stopped_is_not_replaced(download: Downloader) -> None:
    for label in ("MR1", "MR2"):
        download.xnat.has_session("P1", "S1", label, {"1": {"a": label.encode()}})
    records = [download.record("MR1"), download.record("MR2")]
    refused = f"/data/experiments/{records[1]['id']}/files"
    download.xnat.before(lambda request: Response(status=401) if request.path == refused else None)
    ran = download.records(*records, words=(*NAMES, "-w1"))
    assert (ran.status, ran.records[0]["outcome"]) == (3, "done")
    download.xnat.has_session("P1", "S1", "MR3", {"1": {"a": b"MR3"}})
    ran = download.session("MR3", *NAMES)
    assert "would both be P1/a" in ran.err
    assert download.files() == {"P1/a": b"MR1"}


def test_a_folder_of_one_session_has_its_manifest_before_the_run_ends(
    download: Downloader,
) -> None:
    for label in ("MR1", "MR2"):
        download.xnat.has_session("P1", "S1", label, {"1": {"a": label.encode()}})
    manifest = download.out / "MR1/manifest.ndjson"
    seen: list[bool] = []

    def look(request: Request) -> Response | None:
        if "/MR2/" in request.path or "E00002/files" in request.path:
            seen.append(manifest.exists())
        return None

    download.xnat.before(look)
    records = [download.record(label) for label in ("MR1", "MR2")]
    assert download.records(*records, words=("--layout", "{session}/{name}", "-w1")).status == 0
    assert seen and all(seen)


def test_a_manifest_that_another_run_is_writing_is_left_to_it(download: Downloader) -> None:
    download.xnat.has_session("P1", "S1", "MR1", {"1": {"a": b"one"}})
    download.out.mkdir()
    writing = download.out / ".manifest.ndjson.1-0123abcd.part"
    writing.touch()
    seen: list[bool] = []

    def look(request: Request) -> Response | None:
        if "format=tar" in request.full_path:
            seen.append(writing.exists())
        return None

    download.xnat.before(look)
    assert download.session("MR1", "--layout", "{name}").status == 0
    assert seen == [True]
