"""Whatever the network and the server do: what has its final name is right, and the rest is said.

Each test ends with a second run that finds a server in good health and completes the work.
"""

from __future__ import annotations

import errno
import os
import random
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from support.downloads import (
    MANIFESTS,
    PAGE,
    Downloader,
    Ran,
    Spoiler,
    becomes,
    breaks_at,
    ends_at,
    flips,
)
from xnat_sandbox.model import Owner

pytestmark = pytest.mark.usefixtures("digests")


RANDOM = random.Random(4)
FILES = {f"{n:02}.dcm": RANDOM.randbytes(5000 + 37 * n) for n in range(20)}
WANTED = {f"MR1/scans/1/resources/DICOM/files/{name}": data for name, data in FILES.items()}
TAR = "files?format=tar"


@pytest.fixture
def session(download: Downloader) -> Downloader:
    """A server with one session of twenty files."""
    download.xnat.has_session("P1", "S1", "MR1", {"1": FILES})
    return download


def parts(folder: Path) -> list[str]:
    """What is left of files on their way."""
    return [path.name for path in folder.rglob("*.part") if path.name not in MANIFESTS]


def assert_right(session: Downloader) -> None:
    """What is there under its final name is what the server has."""
    for path, data in session.files().items():
        assert path.endswith(".part") or WANTED[path] == data


def assert_completes(session: Downloader) -> Ran:
    """The same command ends well, and leaves nothing but the files."""
    ran = session.session("MR1")
    assert ran.status == 0, ran.err
    assert session.files() == WANTED
    return ran


@pytest.mark.parametrize("position", [0, 1, 511, 512, 600, 0.3, 0.99])
def test_a_connection_that_breaks_anywhere_is_taken_up(
    session: Downloader, position: float
) -> None:
    spoiler = Spoiler(session.xnat, TAR, breaks_at(position), times=1)
    ran = session.session("MR1")
    assert ran.status == 0, ran.err
    assert spoiler.seen >= 1
    assert session.files() == WANTED
    assert ran.record["files"] == 20


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.995])
def test_an_archive_that_ends_early_under_200_is_noticed(session: Downloader, share: float) -> None:
    Spoiler(session.xnat, TAR, ends_at(share), times=1)
    ran = session.session("MR1")
    assert ran.status == 0, ran.err
    assert session.files() == WANTED


def test_an_archive_that_never_comes_whole_is_replaced_by_single_files(
    session: Downloader,
) -> None:
    spoiler = Spoiler(session.xnat, TAR, ends_at(0.3), times=99)
    ran = session.session("MR1")
    assert (ran.status, session.files()) == (0, WANTED), ran.err
    assert spoiler.seen < 5


@pytest.mark.parametrize("share", [0.0, 0.4])
def test_a_sign_in_page_in_an_archive_is_no_file(session: Downloader, share: float) -> None:
    Spoiler(session.xnat, TAR, becomes(PAGE * 20, share), times=1)
    ran = session.session("MR1")
    assert (ran.status, session.files()) == (0, WANTED), ran.err


def test_a_flipped_bit_is_mended_by_asking_again(session: Downloader) -> None:
    Spoiler(session.xnat, TAR, flips(2000), times=1)
    ran = session.session("MR1")
    assert (ran.status, session.files()) == (0, WANTED), ran.err
    assert len(session.fetched()) == 2


def test_bytes_that_are_always_wrong_fail_with_8_and_have_no_final_name(
    session: Downloader,
) -> None:
    Spoiler(session.xnat, TAR, flips(2000), times=1)
    spoiler = Spoiler(session.xnat, "/files/00.dcm", flips(0), times=99)
    ran = session.session("MR1")
    assert ran.status == 8
    assert [record["kind"] for record in ran.records] == ["file", "session"]
    assert ran.of("file")[0]["path"] == "00.dcm"
    assert "MD5 should be" in ran.of("file")[0]["error"]["message"]
    assert 2 <= spoiler.seen <= 4
    assert len(session.files()) == 19
    assert_right(session)
    assert not parts(session.out)
    spoiler._left = 0
    assert assert_completes(session).record["files"] == 1


def test_a_file_that_is_on_no_disk_any_more_fails_alone(session: Downloader) -> None:
    store = session.xnat.store
    found = store.items.experiment_in("P1", "MR1")
    assert found is not None
    scan = store.items.scans(found.id)[0]
    resource = store.resources.find(Owner.of(scan), "DICOM")
    assert resource is not None
    store.resources.path(resource, "07.dcm").unlink()
    ran = session.session("MR1")
    assert ran.status == 5
    assert ran.of("file")[0]["path"] == "07.dcm"
    assert len(session.files()) == 19
    assert_right(session)


def test_a_login_that_ends_between_listing_and_archive_is_renewed(session: Downloader) -> None:
    ended: list[int] = []

    def end(request: Request) -> Response | None:
        if "format=tar" in request.full_path and not ended:
            ended.append(1)
            session.xnat.expires_sessions()
        return None

    session.xnat.before(end)
    ran = session.session("MR1")
    assert (ran.status, session.files()) == (0, WANTED), ran.err
    assert len(session.xnat.requests("POST", "/data/JSESSION")) == 2


def test_a_login_that_cannot_be_renewed_stops_the_run(
    session: Downloader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(request: Request) -> Response | None:
        is_data = request.path.startswith("/data/experiments")
        return Response("no", 401) if is_data else None

    session.xnat.before(refuse)
    session.xnat.has_session("P1", "S1", "MR2", {"1": FILES})
    ran = session.records(session.record("MR1"), session.record("MR2"), words=["-w", 1])
    assert ran.status == 3
    assert len(session.xnat.requests("POST", "/data/JSESSION")) <= 2
    assert session.files() == {}


def test_no_permission_is_said(session: Downloader) -> None:
    Spoiler(session.xnat, TAR, lambda body: [], times=0)
    session.xnat.fails("GET", "/data/experiments/XNAT_E00001/scans", 403, times=99)
    ran = session.session("MR1")
    assert ran.status == 6
    assert session.files() == {}


def test_a_storm_of_503_passes(session: Downloader) -> None:
    session.xnat.fails("GET", "/data/experiments/XNAT_E00001", 503, times=3)
    assert_completes(session)


def test_a_listing_that_is_cut_short_fails_before_anything_is_fetched(
    session: Downloader,
) -> None:
    Spoiler(session.xnat, "files?all=true", ends_at(0.5), times=1)
    ran = session.session("MR1")
    assert ran.status == 4
    assert session.files() == {}
    assert_completes(session)


def test_an_empty_listing_is_not_believed_when_the_counts_differ(session: Downloader) -> None:
    empty = b'{"ResultSet":{"Result":[],"title":"Files"}}'
    Spoiler(session.xnat, "files?all=true", lambda body: [empty], times=1)
    ran = session.session("MR1")
    assert ran.status == 1
    assert "counts 20" in ran.err
    assert_completes(session)


def test_nor_is_that_of_one_resource(session: Downloader) -> None:
    uri = "/data/experiments/XNAT_E00001/scans/1/resources/DICOM"
    resource = {"kind": "resource", "label": "DICOM", "uri": uri, "scan": "1"}
    resource |= {"session": "MR1", "session_id": "XNAT_E00001", "project": "P1"}
    empty = b'{"ResultSet":{"Result":[],"title":"Files"}}'
    Spoiler(session.xnat, "DICOM/files?format=json", lambda body: [empty], times=1)
    ran = session.records(resource)
    assert ran.status == 1
    assert "counts 20" in ran.err
    assert session.records(resource).status == 0
    assert session.files() == WANTED


def test_a_server_without_tar_gives_zips(session: Downloader) -> None:
    listing = b'{"ResultSet":{"Result":[]}}'
    spoiler = Spoiler(session.xnat, TAR, lambda body: [listing], times=99)
    assert_completes(session)
    assert spoiler.seen == 1
    assert "format=zip" in session.fetched()[-1]


@pytest.mark.parametrize("status", [400, 406, 501, 500])
def test_a_server_that_refuses_archives_gives_files(session: Downloader, status: int) -> None:
    def refuse(request: Request) -> Response | None:
        return Response("no", status) if "format=tar" in request.full_path else None

    session.xnat.before(refuse)
    assert_completes(session)


def damaged(session: Downloader, name: str, *, keep: int) -> Path:
    """Cut a file that has been downloaded."""
    path = session.out / f"MR1/scans/1/resources/DICOM/files/{name}"
    path.write_bytes(path.read_bytes()[:keep])
    return path


def test_only_what_is_missing_or_short_is_fetched_again(session: Downloader) -> None:
    session.session("MR1")
    damaged(session, "03.dcm", keep=100)
    damaged(session, "04.dcm", keep=0).unlink()
    before = len(session.fetched())
    ran = assert_completes(session)
    assert (ran.record["files"], ran.record["skipped"]) == (2, 18)
    new = session.fetched()[before:]
    assert sorted(path.rpartition("/")[2] for path in new) == ["03.dcm", "04.dcm"]


def test_a_changed_byte_is_found_with_verify_only(session: Downloader) -> None:
    session.session("MR1")
    path = session.out / "MR1/scans/1/resources/DICOM/files/05.dcm"
    path.write_bytes(b"?" + FILES["05.dcm"][1:])
    assert session.session("MR1").record["outcome"] == "skipped"
    ran = session.session("MR1", "--verify")
    assert (ran.status, ran.record["files"], ran.record["verified"]) == (0, 1, 20)
    assert session.files() == WANTED


def test_when_many_are_missing_the_archive_is_taken_again(session: Downloader) -> None:
    session.session("MR1")
    for number in range(15):
        damaged(session, f"{number:02}.dcm", keep=0).unlink()
    before = len(session.fetched())
    ran = assert_completes(session)
    assert ran.record["files"] == 15
    assert len(session.fetched()) == before + 1


def without_digests(session: Downloader) -> None:
    """The server has never computed any."""
    session.xnat.store.database.execute("UPDATE file SET digest=''")


def test_a_bit_that_changes_on_the_way_is_found_without_digests(session: Downloader) -> None:
    without_digests(session)

    def change(body: bytes) -> list[bytes]:
        return list(flips(body.index(FILES["05.dcm"]) + 10)(body))

    spoiler = Spoiler(session.xnat, "scans/1/resources/DICOM/files?format=", change)
    assert_completes(session)
    assert spoiler.seen == 2


@pytest.mark.parametrize("status", [400, 501])
def test_without_zips_what_has_no_digest_comes_as_tar(session: Downloader, status: int) -> None:
    without_digests(session)

    def refuse(request: Request) -> Response | None:
        return Response("no", status) if "format=zip" in request.full_path else None

    session.xnat.before(refuse)
    assert_completes(session)
    forms = [path.rpartition("format=")[2] for path in session.fetched()]
    assert forms == ["zip", "tar"]


def test_files_without_digests_are_called_unverifiable(session: Downloader) -> None:
    without_digests(session)
    ran = session.session("MR1")
    assert ran.status == 0
    assert (ran.record["verified"], ran.record["unverifiable"]) == (0, 20)


def test_verify_fails_where_nothing_can_be_verified(session: Downloader) -> None:
    without_digests(session)
    ran = session.session("MR1", "--verify")
    assert ran.status == 8
    assert "nothing could be verified" in ran.err


def test_verify_of_a_scan_and_a_label_is_not_satisfied_without_digests(
    session: Downloader,
) -> None:
    without_digests(session)
    scan = {"kind": "scan", "id": "1", "session": "MR1", "session_id": "XNAT_E00001"}
    assert session.records(scan, words=["--verify", "-r", "DICOM"]).status == 8
    assert session.records(scan, words=["--verify", "-r", "NIFTI"]).status == 0


def test_verify_of_a_session_without_files_is_a_failure(download: Downloader) -> None:
    download.xnat.has_session("P1", "S1", "MR1")
    assert download.session("MR1", "--verify").status == 8


def test_a_full_disk_stops_the_run_and_leaves_nothing_wrong(
    session: Downloader, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = [0]
    write = os.write

    def fill(descriptor: int, data: bytes) -> int:
        written[0] += len(data)
        if written[0] > 40_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data)

    with monkeypatch.context() as context:
        context.setattr(os, "write", fill)
        ran = session.session("MR1")
    assert ran.status == 1
    assert ran.err.count("No space left") == 1
    assert ran.of("file") == []
    assert 0 < len(session.files()) < 20
    assert_right(session)
    assert not parts(session.out)
    assert_completes(session)
