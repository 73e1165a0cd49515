"""Objects and files that would get one name are kept apart, or refused."""

from __future__ import annotations

from support.downloads import Downloader


def test_two_sessions_of_one_label_are_kept_apart(download: Downloader) -> None:
    download.xnat.has_session("P1", "S1", "MR1", {"1": {"a.dcm": b"one"}})
    download.xnat.has_session("P2", "S1", "MR1", {"1": {"a.dcm": b"two"}})
    ran = download.records(
        download.record("MR1"), download.record("MR1", "P2"), words=["--workers", 1]
    )
    assert ran.status == 1
    assert {r["project"]: r["outcome"] for r in ran.records} == {"P1": "done", "P2": "failed"}
    assert "--layout" in ran.err
    assert list(download.files().values()) == [b"one"]
    again = download.session("MR1", project="P2")
    assert again.status == 1
    assert "holds session" in again.err


def test_a_layout_keeps_them_apart(download: Downloader) -> None:
    download.xnat.has_session("P1", "S1", "MR1", {"1": {"a.dcm": b"one"}})
    download.xnat.has_session("P2", "S1", "MR1", {"1": {"a.dcm": b"two"}})
    ran = download.records(
        download.record("MR1"),
        download.record("MR1", "P2"),
        words=["--layout", "{project}/{session}/{scan}-{type}/{name}"],
    )
    assert ran.status == 0, ran.err
    assert download.files() == {"P1/MR1/1-T1w/a.dcm": b"one", "P2/MR1/1-T1w/a.dcm": b"two"}
    assert (download.out / "P1/MR1/manifest.ndjson").is_file()


def test_files_that_would_get_one_name_stop_the_object_before_anything(
    download: Downloader,
) -> None:
    download.xnat.has_session("P1", "S1", "MR1", {"1": {"a": b"1"}, "2": {"a": b"2"}})
    ran = download.session("MR1", "--layout", "{session}/{name}")
    assert ran.status == 1
    assert "would both be MR1/a" in ran.record["error"]["message"]
    assert download.files() == {}
    assert not [path for path in download.fetched() if "format=tar" in path]


def test_files_of_two_objects_do_not_meet_either(download: Downloader) -> None:
    for label in ("MR1", "MR2"):
        download.xnat.has_session("P1", "S1", label, {"1": {"a": label.encode()}})
    ran = download.records(
        download.record("MR1"),
        download.record("MR2"),
        words=["--layout", "{scan}/{name}", "-w", 1],
    )
    assert ran.status == 1
    assert [r["outcome"] for r in ran.records] == ["done", "failed"]
    assert download.files() == {"1/a": b"MR1"}


def test_a_session_that_comes_by_two_projects_is_one(download: Downloader) -> None:
    session = download.xnat.has_session("P1", "S1", "MR1", {"1": {"a": b"a"}})
    record = download.record("MR1")
    scan = {"kind": "scan", "id": "1", "session": "MR1", "session_id": session.id}
    ran = download.records(record, {**record, "project": "P2"}, scan)
    assert [one["outcome"] for one in ran.records].count("failed") == 0, ran.err
    assert list(download.files().values()) == [b"a"]
