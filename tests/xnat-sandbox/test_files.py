"""Files in resources: stored, listed, fetched, unpacked, deleted."""

from __future__ import annotations

import hashlib
import io
import tarfile
import time
import zipfile
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
import requests

from support.sandbox import XNAT
from xnat_sandbox.model import Experiment

SESSION = "/data/experiments/XNAT_E00001"
FILES = f"{SESSION}/resources/R/files"


@pytest.fixture(autouse=True)
def session(xnat: XNAT) -> Experiment:
    """A session with a scan."""
    return xnat.has_session("P1", "S1", "MR1", scans={"1": {"a.dcm": b"AAAA"}})


def put(xnat: XNAT, path: str, data: bytes = b"hello") -> tuple[int, str]:
    """The status and text of an upload in the body."""
    joint = "&" if "?" in path else "?"
    answer = xnat.call("PUT", f"{FILES}/{path}{joint}inbody=true", data=data)
    return answer.status_code, answer.text


def names(xnat: XNAT) -> list[str]:
    """The paths in the resource."""
    return [row["URI"].partition("/files/")[2] for row in xnat.rows(FILES)]


def test_a_file_is_stored_with_its_digest(xnat: XNAT) -> None:
    assert put(xnat, "sub/x.txt?format=TXT&content=NOTE") == (200, "")
    (row,) = xnat.rows(FILES)
    assert row == {
        "Name": "x.txt",
        "Size": "5",
        "URI": f"{SESSION}/resources/2/files/sub/x.txt",
        "collection": "R",
        "file_tags": "",
        "file_format": "TXT",
        "file_content": "NOTE",
        "cat_ID": "2",
        "digest": hashlib.md5(b"hello").hexdigest(),
    }


def test_digests_are_blank_where_the_site_computes_none(xnat: XNAT) -> None:
    xnat.store.preferences.set("checksums", False)
    put(xnat, "x.txt")
    assert xnat.rows(FILES)[0]["digest"] == ""


def test_an_existing_file_is_left_alone_and_named(xnat: XNAT, session: Experiment) -> None:
    put(xnat, "x.txt")
    assert put(xnat, "x.txt", b"other") == (200, '{"duplicates": ["x.txt"]}')
    assert xnat.files(session, "R") == {"x.txt": b"hello"}
    assert put(xnat, "x.txt?overwrite=true", b"other") == (200, "")
    assert xnat.files(session, "R") == {"x.txt": b"other"}


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ("a%20b+c.txt", "a b c.txt"),
        ("a%2Bb.txt", "a+b.txt"),
        ("a%23b.txt", "a%23b.txt"),
        ("a+b.txt", "a+b.txt"),
    ],
)
def test_names_are_decoded_only_for_blanks_and_pluses(
    xnat: XNAT, session: Experiment, raw: str, stored: str
) -> None:
    assert put(xnat, raw) == (200, "")
    assert list(xnat.files(session, "R")) == [stored]
    assert xnat.call("GET", f"{FILES}/{raw}").content == b"hello"


def test_a_form_carries_several_files(xnat: XNAT, session: Experiment) -> None:
    parts = [("one", ("1.txt", b"1")), ("two", ("2.txt", b"2"))]
    assert xnat.call("POST", FILES, files=parts).status_code == 200
    assert xnat.files(session, "R") == {"1.txt": b"1", "2.txt": b"2"}
    assert xnat.call("POST", f"{FILES}?inbody=true", files=parts).status_code == 400


def test_nothing_recognised_is_refused_with_a_hint(xnat: XNAT) -> None:
    answer = xnat.call("PUT", f"{FILES}/x.txt", data=b"hello")
    assert answer.status_code == 400
    assert "inbody=true" in answer.text


def test_a_known_type_needs_no_flag(xnat: XNAT, session: Experiment) -> None:
    headers = {"Content-Type": "application/octet-stream"}
    assert xnat.call("PUT", f"{FILES}/x.bin", data=b"x", headers=headers).status_code == 200
    assert xnat.files(session, "R") == {"x.bin": b"x"}


def test_chunked_bodies_are_for_zips(xnat: XNAT, session: Experiment) -> None:
    def body() -> Iterator[bytes]:
        yield b"bytes"

    statuses = []
    for kind in ("application/octet-stream", "application/zip"):
        url = f"{xnat.url}{FILES}/{kind[-3:]}?inbody=true"
        headers = {"Content-Type": kind}
        statuses.append(
            requests.put(url, data=body(), auth=xnat.admin, headers=headers).status_code
        )
    assert statuses == [500, 200]
    assert xnat.files(session, "R") == {"zip": b"bytes"}


def test_zips_are_unpacked_at_the_root(xnat: XNAT, session: Experiment) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("d/a b#.txt", "1")
        archive.writestr("2.txt", "2")
    put(xnat, "2.txt")
    status, text = put(xnat, "sub/u.zip?extract=true", packed.getvalue())
    assert (status, text) == (200, '{"duplicates": ["2.txt"]}')
    assert xnat.files(session, "R") == {"2.txt": b"hello", "d/a b#.txt": b"1"}


def test_tars_are_unpacked_and_none_leaves_the_resource(xnat: XNAT, session: Experiment) -> None:
    for name, status in (("d/1.txt", 200), ("../../evil", 500)):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            info = tarfile.TarInfo(name)
            info.size = 1
            archive.addfile(info, io.BytesIO(b"1"))
        assert put(xnat, "u.tar.gz?extract=true", packed.getvalue())[0] == status
    assert xnat.files(session, "R") == {"d/1.txt": b"1"}
    assert list(xnat.data.rglob("evil")) == []


def test_statistics_may_be_left_for_later(xnat: XNAT) -> None:
    put(xnat, "x.txt?update-stats=false")
    assert xnat.rows(f"{SESSION}/resources")[0]["file_count"] == ""
    put(xnat, "y.txt")
    assert xnat.rows(f"{SESSION}/resources")[0]["file_count"] == "2"


def test_catalog_documents_are_no_content(xnat: XNAT) -> None:
    assert put(xnat, "R_catalog.xml") == (200, "")
    assert names(xnat) == []


def test_deleting_goes_by_prefix(xnat: XNAT) -> None:
    for name in ("a", "ab.txt", "a/c.txt.d", "b.txt"):
        if name != "a/c.txt.d":
            put(xnat, name)
    assert xnat.call("DELETE", f"{FILES}/a").status_code == 200
    assert names(xnat) == ["b.txt"]
    assert xnat.call("DELETE", f"{FILES}/b*").status_code == 200
    assert names(xnat) == []


def test_bytes_may_survive_their_entry(xnat: XNAT) -> None:
    put(xnat, "x.txt")
    assert xnat.call("DELETE", f"{FILES}/x.txt?removeFiles=false").status_code == 200
    assert (xnat.data / "archive/P1/arc001/MR1/RESOURCES/R/x.txt").exists()


def test_filters_and_folders_of_a_listing(xnat: XNAT) -> None:
    for name in ("x.txt?format=TXT", "sub/y.bin?format=BIN", "sub/deep/z.txt?format=TXT"):
        put(xnat, name)
    listed = [row["Name"] for row in xnat.rows(f"{FILES}?file_format=TXT")]
    assert listed == ["z.txt", "x.txt"]
    flat = [row["Name"] for row in xnat.rows(f"{FILES}/sub/?recursive=false")]
    assert flat == ["y.bin"]
    path = xnat.rows(f"{FILES}?locator=absolutePath")[0]["absolutePath"]
    assert Path(path).is_file()


def test_an_unknown_experiment_leads_to_the_level_above(xnat: XNAT) -> None:
    subject = xnat.has_subject("P1", "S1")
    xnat.has_resource(subject, "R", {"of-subject.txt": b"s"})
    path = "/data/projects/P1/subjects/S1/experiments/NOPE/resources/R/files"
    assert [row["Name"] for row in xnat.rows(path)] == ["of-subject.txt"]


def test_an_unknown_scan_leads_to_its_session_in_a_project_path_only(xnat: XNAT) -> None:
    session = xnat.has_session("P1", "S1", "E1")
    xnat.has_resource(session, "R", {"of-session.txt": b"s"})
    inside = "scans/NOPE/resources/R/files"
    path = f"/data/projects/P1/subjects/S1/experiments/E1/{inside}"
    assert [row["Name"] for row in xnat.rows(path)] == ["of-session.txt"]
    assert xnat.rows(f"/data/experiments/{session.id}/{inside}") == []


def test_a_file_can_have_a_name_that_no_header_can_hold(xnat: XNAT) -> None:
    xnat.has_resource(xnat.has_subject("P1", "S1"), "R", {"日本.txt": b"nihon"})
    answer = xnat.call("GET", "/data/projects/P1/subjects/S1/resources/R/files/日本.txt")
    assert (answer.status_code, answer.content) == (200, b"nihon")


def test_a_single_file_has_length_date_and_ranges(xnat: XNAT) -> None:
    put(xnat, "x.txt")
    whole = xnat.call("GET", f"{FILES}/x.txt")
    assert whole.headers["Content-Length"] == "5"
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert whole.headers["Content-Disposition"] == 'attachment; filename="x.txt"'
    assert whole.headers["Content-Type"].startswith("text/plain")
    since = {"If-Modified-Since": whole.headers["Last-Modified"]}
    assert xnat.call("GET", f"{FILES}/x.txt", headers=since).status_code == 304


@pytest.mark.parametrize(
    ("header", "status", "body", "content_range"),
    [
        ("bytes=1-3", 206, b"ell", "bytes 1-3/5"),
        ("bytes=3-", 206, b"lo", "bytes 3-4/5"),
        ("bytes=-2", 206, b"lo", "bytes 3-4/5"),
        ("bytes=9-", 416, None, None),
        ("bytes=0-1,3-4", 501, None, None),
    ],
)
def test_ranges(
    xnat: XNAT, header: str, status: int, body: bytes | None, content_range: str | None
) -> None:
    put(xnat, "x.txt")
    answer = xnat.call("GET", f"{FILES}/x.txt", headers={"Range": header})
    assert answer.status_code == status
    assert answer.headers.get("Content-Range") == content_range
    assert body is None or answer.content == body


def test_there_is_no_resumable_upload(xnat: XNAT) -> None:
    headers = {"Content-Range": "bytes 0-4/10"}
    answer = xnat.call("PUT", f"{FILES}/x.txt?inbody=true", data=b"hello", headers=headers)
    assert answer.status_code == 501


def test_a_file_inside_a_zip_can_be_fetched(xnat: XNAT) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("in/1.txt", "one")
    put(xnat, "u.zip", packed.getvalue())
    for joint in ("!/", "/"):
        assert xnat.call("GET", f"{FILES}/u.zip{joint}in/1.txt").content == b"one"
    listed = [row["Name"] for row in xnat.rows(f"{FILES}?listContents=true")]
    assert listed == ["u.zip", "1.txt"]


def test_a_file_missing_on_disk_is_not_found(xnat: XNAT) -> None:
    put(xnat, "x.txt")
    (xnat.data / "archive/P1/arc001/MR1/RESOURCES/R/x.txt").unlink()
    answer = xnat.call("GET", f"{FILES}/x.txt")
    assert answer.status_code == 404
    assert "<h3>Unable to find file.</h3>" in answer.text


def test_an_upload_cut_off_leaves_nothing(xnat: XNAT, session: Experiment) -> None:
    connection = HTTPConnection(xnat.url.removeprefix("http://"))
    connection.putrequest("PUT", f"{FILES}/x.txt?inbody=true")
    connection.putheader("Authorization", "Basic YWRtaW46YWRtaW4=")
    connection.putheader("Content-Type", "application/octet-stream")
    # Too long to be kept for the log of the tests, which reads a body before the server does.
    connection.putheader("Content-Length", "2000000")
    connection.endheaders(b"only the beginning")
    connection.close()
    deadline = time.monotonic() + 30
    while not xnat.requests("PUT", FILES) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert xnat.requests("PUT", FILES)
    assert xnat.files(session, "R") == {}


def test_digits_are_the_number_of_a_resource_and_no_label(xnat: XNAT, session: Experiment) -> None:
    notes = xnat.has_resource(session, "NOTES", {"n.txt": b"n"})
    label = str(notes.number)
    xnat.has_resource(session, label, {"other.txt": b"o"})
    where = f"{SESSION}/resources/{label}"
    assert [row["Name"] for row in xnat.rows(f"{where}/files")] == ["n.txt"]
    assert xnat.call("PUT", f"{where}/files/x.txt?inbody=true", data=b"x").status_code == 200
    assert sorted(xnat.files(session, "NOTES")) == ["n.txt", "x.txt"]
    assert xnat.rows(f"{SESSION}/resources/99/files") == []
    for path in ("", "/files/x.txt?inbody=true"):
        assert xnat.call("PUT", f"{SESSION}/resources/99{path}", data=b"x").status_code == 404
    assert xnat.call("DELETE", where).status_code == 200
    assert xnat.files(session, "NOTES") == {}
    assert xnat.files(session, label) == {"other.txt": b"o"}


def test_labels_of_resources_in_urls_are_not_decoded(xnat: XNAT, session: Experiment) -> None:
    xnat.has_resource(session, "my notes", {"n.txt": b"n"})
    where = f"{SESSION}/resources/my%20notes/files"
    assert xnat.rows(where) == []
    assert xnat.call("DELETE", f"{where}/n.txt").status_code == 400
    assert xnat.call("PUT", f"{where}/x.txt?inbody=true", data=b"x").status_code == 200
    assert xnat.files(session, "my notes") == {"n.txt": b"n"}
    assert xnat.files(session, "my%20notes") == {"x.txt": b"x"}


def test_every_level_has_resources(xnat: XNAT) -> None:
    base = "/data/projects/P1"
    for parent in (base, f"{base}/subjects/S1", f"{base}/experiments/MR1", f"{SESSION}/scans/1"):
        path = f"{parent}/resources/ANY/files/x.txt?inbody=true"
        assert xnat.call("PUT", path, data=b"x").status_code == 200
    trees = sorted(path.relative_to(xnat.data).as_posix() for path in xnat.data.rglob("x.txt"))
    assert trees == [
        "archive/P1/arc001/MR1/RESOURCES/ANY/x.txt",
        "archive/P1/arc001/MR1/SCANS/1/ANY/x.txt",
        "archive/P1/resources/ANY/x.txt",
        "archive/P1/subjects/S1/ANY/x.txt",
    ]


def test_the_users_cache(xnat: XNAT) -> None:
    path = "/data/user/cache/resources/X/files/x.txt"
    assert xnat.call("PUT", f"{path}?inbody=true", data=b"kept").status_code == 200
    assert xnat.call("GET", path).content == b"kept"
    query = (
        "src=/user/cache/resources/X/files/x.txt&dest=/archive/experiments/XNAT_E00001/resources/R"
    )
    assert xnat.call("POST", f"/data/services/move-files?{query}").status_code == 200
    assert names(xnat) == ["x.txt"]
    assert xnat.call("GET", path).status_code == 404
