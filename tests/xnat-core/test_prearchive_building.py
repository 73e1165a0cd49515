"""Rows of the prearchive that are being received or built, against the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from support.sandbox import XNAT
from support.staging import stage
from xnat_core.client import XNATClient
from xnat_core.errors import ResourceNotFoundError
from xnat_core.models import PrearchiveEntry
from xnat_core.prearchive import Prearchive
from xnat_core.prearchive_rows import WaitedTooLong, entry_path, plain_path
from xnat_sandbox.intake import intake_of


@pytest.fixture
def client(xnat: XNAT) -> Iterator[XNATClient]:
    with XNATClient(xnat.url, *xnat.admin) as connected:
        yield connected


def queue_rebuild(client: XNATClient, entry: PrearchiveEntry) -> None:
    client.post("/data/services/prearchive/rebuild", data={"src": plain_path(entry)})


def test_building_makes_a_receiving_row_ready_and_archives_nothing(
    xnat: XNAT, client: XNATClient, prearchive: Prearchive, tmp_path: Path
) -> None:
    xnat.settings.rebuild_idle = 60
    xnat.has_project("P1", code=4)
    entry = stage(client, tmp_path / "in", built=False)
    assert prearchive.get(entry).status == "RECEIVING"
    assert prearchive.build(entry).status == "READY"
    assert prearchive.get(entry).status == "READY"


def test_a_queued_rebuild_can_be_waited_for(
    xnat: XNAT, client: XNATClient, prearchive: Prearchive, tmp_path: Path
) -> None:
    xnat.has_project("P1")
    entry = stage(client, tmp_path / "in")
    queue_rebuild(client, entry)
    settled = prearchive.wait(entry, 10)
    assert settled is not None
    assert settled.status == "READY"


def test_waiting_for_a_row_ends_when_it_is_gone_and_when_time_is_up(
    xnat: XNAT, client: XNATClient, prearchive: Prearchive, tmp_path: Path
) -> None:
    xnat.settings.rebuild_idle = 60
    xnat.has_project("P1")
    entry = stage(client, tmp_path / "in", built=False)
    with pytest.raises(WaitedTooLong, match="is RECEIVING after"):
        prearchive.wait(entry, 0.3)
    prearchive.delete(entry)
    assert prearchive.wait(entry, 5) is None


def test_a_row_that_receives_is_settled_by_building_it(
    xnat: XNAT, client: XNATClient, prearchive: Prearchive, tmp_path: Path
) -> None:
    xnat.settings.rebuild_idle = 60
    xnat.has_project("P1")
    entry = stage(client, tmp_path / "in", built=False)
    settled = prearchive.settled(entry, 10)
    assert settled is not None and settled.status == "READY"
    assert prearchive.settled(entry, 10) == settled


def test_a_row_to_which_a_file_came_while_it_was_built_is_built_again(
    xnat: XNAT, client: XNATClient, prearchive: Prearchive, tmp_path: Path
) -> None:
    xnat.settings.rebuild_idle = 60
    xnat.has_project("P1")
    entry = stage(client, tmp_path / "in", built=False)
    rows = intake_of(xnat.app).prearchive

    def one_more_file(request: Request) -> None:
        if request.method == "GET" and len(xnat.requests("POST", entry_path(entry))) == 1:
            rows.set_status(rows.all()[0], "RECEIVING")

    xnat.before(one_more_file)
    settled = prearchive.settled(entry, 10)
    assert settled is not None and settled.status == "READY"
    assert len(xnat.requests("POST", entry_path(entry))) == 2


def test_a_row_that_is_gone_is_not_there_to_be_settled_or_built(
    xnat: XNAT, client: XNATClient, prearchive: Prearchive, tmp_path: Path
) -> None:
    xnat.has_project("P1")
    entry = stage(client, tmp_path / "in")
    prearchive.delete(entry)
    assert prearchive.settled(entry, 10) is None
    with pytest.raises(ResourceNotFoundError):
        prearchive.build(entry)


def test_a_row_that_is_busy_is_waited_for(
    xnat: XNAT, client: XNATClient, prearchive: Prearchive, tmp_path: Path
) -> None:
    xnat.settings.rebuild_idle = 60
    xnat.settings.queue_delay = 0.5
    xnat.has_project("P1")
    entry = stage(client, tmp_path / "in")
    queue_rebuild(client, entry)
    with pytest.raises(WaitedTooLong):
        prearchive.settled(entry, 0.1)
    settled = prearchive.settled(entry, 10)
    assert settled is not None and settled.status == "READY"


@pytest.mark.parametrize("answer", [504, 200])
def test_a_build_that_goes_on_after_the_answer_is_made_once(
    xnat: XNAT, client: XNATClient, prearchive: Prearchive, tmp_path: Path, answer: int
) -> None:
    xnat.settings.rebuild_idle = 60
    xnat.has_project("P1")
    entry = stage(client, tmp_path / "in")
    rows = intake_of(xnat.app).prearchive
    looks = [0]
    begun: list[str] = []

    def slow(request: Request) -> Response | None:
        status = rows.all()[0].status
        if request.method == "POST" and request.path == entry_path(entry):
            if status == "_BUILDING":
                return Response("session document locked", 409)
            begun.append(status)
            rows.set_status(rows.all()[0], "_BUILDING")
            looks[0] = 0
            return Response(plain_path(entry), answer)
        looks[0] += request.method == "GET"
        if status == "_BUILDING" and looks[0] > 2:
            rows.set_status(rows.all()[0], "READY")
        return None

    xnat.before(slow)
    built = prearchive.settled(entry, 10, anew=True)
    assert built is not None and built.status == "READY"
    assert begun == ["READY"]


@pytest.mark.parametrize("said", ["session document locked", "Operation already in progress"])
def test_a_row_that_somebody_has_just_begun_with_is_waited_for(
    xnat: XNAT, client: XNATClient, prearchive: Prearchive, tmp_path: Path, said: str
) -> None:
    xnat.settings.rebuild_idle = 60
    xnat.has_project("P1")
    entry = stage(client, tmp_path / "in", built=False)
    xnat.fails("POST", entry_path(entry), 409, body=said)
    settled = prearchive.settled(entry, 10)
    assert settled is not None and settled.status == "READY"
