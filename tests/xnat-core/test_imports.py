"""The import service: parameters, answers, sending, and direct archiving to its end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from support.sandbox import XNAT
from xnat_core.archive import Member, TarStream
from xnat_core.client import XNATClient
from xnat_core.errors import OperationError
from xnat_core.imports import (
    Destination,
    DirectArchive,
    ImportRefused,
    Landing,
    Way,
    archived_files,
    archived_session,
    gradual_params,
    landings_of,
    send,
    settling,
    staged_files,
    zip_params,
)
from xnat_core.imports.answers import Kind
from xnat_core.imports.settling import StillArchiving
from xnat_core.models import PrearchiveEntry, Session
from xnat_core.prearchive import Prearchive
from xnat_core.services.lookup import OnlyShared
from xnat_sandbox.samples import write_series

HERE = Destination("P1", "S1", "MR1")


@pytest.fixture
def client(xnat: XNAT) -> Iterator[XNATClient]:
    xnat.has_project("P1")
    with XNATClient(xnat.url, *xnat.admin) as connected:
        yield connected


def tar_of(folder: Path, **sample: int) -> TarStream:
    files = write_series(folder, instances=sample.get("instances", 2))
    return TarStream([Member.of(path, path.name) for path in files])


def sent(client: XNATClient, folder: Path, way: Way = Way.JOIN) -> Landing:
    (landing,) = send(client, zip_params(HERE, way, "delete"), tar_of(folder))
    return landing


# --- parameters ---------------------------------------------------------------------------------


def test_overwrite_none_is_said_by_silence() -> None:
    assert "overwrite" not in zip_params(HERE, Way.DIRECT, "none")
    assert zip_params(HERE, Way.DIRECT, "append")["overwrite"] == "append"


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        (Way.DIRECT, {"Direct-Archive": "true"}),
        (Way.STAGE, {"dest": "/prearchive/projects/P1"}),
        (Way.JOIN, {}),
        (Way.JOIN_HELD, {"prevent_auto_commit": "true"}),
    ],
)
def test_each_way_has_its_own_parameter_and_none_of_the_others(
    way: Way, expected: dict[str, str]
) -> None:
    ways = {"Direct-Archive", "dest", "prevent_auto_commit", "action", "AA"}
    params = zip_params(HERE, way, "delete")
    assert {key: value for key, value in params.items() if key in ways} == expected
    one = gradual_params(HERE, way)
    assert {key: value for key, value in one.items() if key in ways} == expected


# --- answers ------------------------------------------------------------------------------------


def test_every_line_of_an_answer_is_a_place() -> None:
    direct, staged, archived = landings_of(
        "/xapi/direct-archive/P1/1.2.3/MR1\r\n"
        "/data/prearchive/projects/Unassigned/20240502_101500123/MR1\r\n"
        "/data/archive/projects/P1/subjects/S1/experiments/MR1\r\n"
    )
    assert (direct.area, direct.project, direct.study, direct.name) == (
        "direct",
        "P1",
        "1.2.3",
        "MR1",
    )
    assert (staged.area, staged.project, staged.timestamp) == (
        "prearchive",
        "Unassigned",
        "20240502_101500123",
    )
    assert (archived.area, archived.subject, archived.name) == ("archive", "S1", "MR1")


@pytest.mark.parametrize("before", ["", "/xnat", "https://x.org", "https://x.org/a/b"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "", "/\r\n"])
def test_a_place_is_understood_with_and_without_what_stands_before_it(
    before: str, end: str
) -> None:
    staged = "/prearchive/projects/P1/20240502_101500123/MR1"
    for there in (f"/data{staged}", f"/REST{staged}", staged):
        (landing,) = landings_of(f"{before}{there}{end}")
        assert landing.uri == f"/data{staged}"
        assert landing.entry().id == "P1/20240502_101500123/MR1"
    (direct,) = landings_of(f"{before}/xapi/direct-archive/P1/1.2.3/MR1{end}")
    assert direct.uri == "/xapi/direct-archive/P1/1.2.3/MR1"
    (archived,) = landings_of(f"{before}/archive/projects/P1/subjects/S1/experiments/MR1{end}")
    assert (archived.subject, archived.name) == ("S1", "MR1")


def test_a_comment_is_no_place() -> None:
    assert landings_of("# imported\r\n\r\n") == ()


def test_an_empty_answer_means_that_nothing_was_kept() -> None:
    assert landings_of("\r\n") == ()


def test_an_answer_that_is_no_address_is_an_error() -> None:
    with pytest.raises(OperationError, match="no address"):
        landings_of("Import failed: disk full")


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("Concurrent file sends of the same data is not supported.", Kind.TRANSIENT),
        ("Session processing in progress: ARCHIVING", Kind.TRANSIENT),
        ("Session already exists, retry with overwrite enabled", Kind.PERMANENT),
        ("Unsupported format GZ", Kind.PERMANENT),
        ("unable to read DICOM object 1.2.3.dcm", Kind.UNCLEAR),
    ],
)
def test_a_refusal_tells_whether_to_send_again(reason: str, kind: Kind) -> None:
    assert ImportRefused(reason).kind is kind


def test_a_refusal_names_the_file_that_the_server_blames() -> None:
    assert ImportRefused("unable to read DICOM object S1/1.2.3.dcm: disk").name == "1.2.3.dcm"
    assert ImportRefused("Unsupported format GZ").name is None


# --- sending ------------------------------------------------------------------------------------


def test_a_refusal_that_passes_is_waited_for(
    xnat: XNAT, client: XNATClient, tmp_path: Path
) -> None:
    busy = "Concurrent file sends of the same data is not supported."
    xnat.fails("POST", "/data/services/import", 400, times=3, body=busy)
    pauses: list[float] = []
    params = zip_params(HERE, Way.JOIN, "delete")
    (landing,) = send(client, params, tar_of(tmp_path / "in"), sleep=pauses.append)
    assert landing.name == "MR1"
    assert len(pauses) == 3
    assert all(2**n <= pause <= 2 ** (n + 1) for n, pause in enumerate(pauses))
    # Workers that collided do not come back together.
    assert len({pause / 2**n for n, pause in enumerate(pauses)}) == 3


def test_a_refusal_for_good_is_raised_at_once(
    xnat: XNAT, client: XNATClient, tmp_path: Path
) -> None:
    xnat.fails("POST", "/data/services/import", 400, times=9, body="Unsupported format GZ")
    with pytest.raises(ImportRefused, match="Unsupported format GZ"):
        send(client, zip_params(HERE, Way.JOIN, "delete"), tar_of(tmp_path / "in"))
    assert len(xnat.requests("POST", "/data/services/import")) == 1


def test_an_unclear_refusal_is_tried_once_more(
    xnat: XNAT, client: XNATClient, tmp_path: Path
) -> None:
    xnat.settings.import_fault = lambda uid: "disk full"
    with pytest.raises(ImportRefused, match="disk full"):
        send(
            client,
            zip_params(HERE, Way.JOIN, "delete"),
            tar_of(tmp_path / "in"),
            sleep=lambda seconds: None,
        )
    assert len(xnat.requests("POST", "/data/services/import")) == 2


# --- what the server holds ----------------------------------------------------------------------


def test_the_files_of_an_archived_session_are_listed_with_their_digests(
    xnat: XNAT, client: XNATClient
) -> None:
    session = xnat.has_session("P1", "S1", "MR1", scans={"1": {"a.dcm": b"a"}, "2": {"b": b"bb"}})
    xnat.has_resource(session, "NOTES", {"c.txt": b"c"})
    found = archived_session(client, "P1", "MR1")
    assert found is not None
    held = [(file.scan, file.name, file.size) for file in archived_files(client, found.id)]
    assert sorted(held) == [("1", "a.dcm", 1), ("2", "b", 2)]
    assert all(len(file.digest) == 32 for file in archived_files(client, found.id))


def test_a_session_of_another_project_is_none(xnat: XNAT, client: XNATClient) -> None:
    other = xnat.has_session("P2", "S1", "MR1")
    assert archived_session(client, "P1", "MR1") is None
    assert archived_session(client, "P1", other.id) is None


@pytest.mark.parametrize("label", ["MR1", "MR.1", "MR 1"])
def test_a_session_that_another_project_shares_is_not_added_to(
    xnat: XNAT, client: XNATClient, label: str
) -> None:
    other = xnat.has_session("P2", "S1", label)
    xnat.store.items.share(other.id, "P1", None)
    with pytest.raises(OnlyShared):
        archived_session(client, "P1", label)


def test_a_session_that_is_not_there_is_found_out_without_listing_the_project(
    xnat: XNAT, client: XNATClient
) -> None:
    xnat.has_session("P1", "S1", "MR2")
    assert archived_session(client, "P1", "MR1") is None
    assert xnat.requests("GET", "/data/projects/P1/experiments")[-1].path.endswith("/MR1")


def test_the_files_of_a_row_are_listed_once_it_is_built(
    xnat: XNAT, client: XNATClient, tmp_path: Path
) -> None:
    landing = sent(client, tmp_path / "in", Way.STAGE)
    held = list(staged_files(Prearchive(client), landing.entry()))
    assert [(file.scan, file.name) for file in held] == [
        ("1", "mr1_0001.dcm"),
        ("1", "mr1_0002.dcm"),
    ]


# --- direct archiving ---------------------------------------------------------------------------


def test_a_direct_row_becomes_a_session_when_told_that_all_has_come(
    xnat: XNAT, client: XNATClient, tmp_path: Path
) -> None:
    xnat.settings.rebuild_idle = 60
    landing = sent(client, tmp_path / "in", Way.DIRECT)
    direct = DirectArchive(client)
    row = direct.row(landing.project, landing.study, landing.name)
    assert row is not None and row["status"] == "RECEIVING"
    session = direct.finish(landing, 20)
    assert isinstance(session, Session)
    assert (session.project, session.label) == ("P1", "MR1")
    assert direct.row(landing.project, landing.study, landing.name) is None


def test_a_direct_row_that_falls_back_is_found_in_the_prearchive(
    xnat: XNAT, client: XNATClient, tmp_path: Path
) -> None:
    xnat.settings.archive_fault = lambda label: "no space"
    landing = sent(client, tmp_path / "in", Way.DIRECT)
    entry = DirectArchive(client).finish(landing, 20)
    assert isinstance(entry, PrearchiveEntry)
    assert (entry.label, entry.status) == ("MR1", "ERROR")


def test_patience_ends_without_a_failure(xnat: XNAT, client: XNATClient, tmp_path: Path) -> None:
    xnat.settings.archive_delay = 1.5
    landing = sent(client, tmp_path / "in", Way.DIRECT)
    begin = time.monotonic()
    with pytest.raises(StillArchiving, match="takes more than"):
        DirectArchive(client).finish(landing, 0.5)
    assert time.monotonic() - begin < 1.5


def test_a_row_that_still_receives_is_asked_again(
    xnat: XNAT, client: XNATClient, tmp_path: Path
) -> None:
    xnat.settings.rebuild_idle = 60
    landing = sent(client, tmp_path / "in", Way.DIRECT)
    refused = [2]

    def refuse(request: Request) -> Response | None:
        if request.method == "POST" and "direct-archive" in request.path and refused[0]:
            refused[0] -= 1
            return Response("Refusing to trigger archive of it", 500)
        return None

    xnat.before(refuse)
    assert isinstance(DirectArchive(client).finish(landing, 20), Session)


def test_a_row_whose_request_got_lost_although_it_was_answered_is_asked_again(
    xnat: XNAT, client: XNATClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "ASK_AGAIN", 0.3)
    xnat.settings.rebuild_idle = 60
    landing = sent(client, tmp_path / "in", Way.DIRECT)
    lost = [True]

    def lose(request: Request) -> Response | None:
        if request.method == "POST" and "direct-archive" in request.path and lost:
            lost.clear()
            return Response("", 200)
        return None

    xnat.before(lose)
    assert isinstance(DirectArchive(client).finish(landing, 20), Session)


def test_a_direct_row_that_ends_in_nothing_is_an_error(
    xnat: XNAT, client: XNATClient, tmp_path: Path
) -> None:
    xnat.settings.rebuild_idle = 60
    landing = sent(client, tmp_path / "in", Way.DIRECT)
    direct = DirectArchive(client)
    row = direct.row(landing.project, landing.study, landing.name)
    assert row is not None
    assert xnat.call("DELETE", f"/xapi/direct-archive/{row['id']}").ok
    with pytest.raises(OperationError, match="has ended and left no session MR1"):
        direct.finish(landing, 20)
