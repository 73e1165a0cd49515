"""Rows that others archive, move or delete while this deletes or archives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from werkzeug.wrappers import Request, Response

from support.imports import rows
from xnat_core.client import XNATClient
from xnat_core.errors import ResourceNotFoundError
from xnat_prearchive.service import PrearchiveService

if TYPE_CHECKING:
    from conftest import Run, Stage
    from support.sandbox import XNAT

DELETING = ("DELETE", "/data/prearchive/projects/")
ARCHIVING = ("POST", "/data/services/archive")


def src(words: list[str]) -> str:
    return "src=/prearchive/projects/" + "/".join(words)


def meanwhile(xnat: XNAT, asked: tuple[str, str], other: str, *, lost: int) -> None:
    """Somebody else does `other` when this asks for something, which fails and is answered so."""
    method, _, address = other.partition(" ")
    state = {"busy": False, "left": 1}

    def hook(request: Request) -> Response | None:
        if state["busy"] or request.method != asked[0] or not request.path.startswith(asked[1]):
            return None
        if state["left"]:
            state.update(busy=True, left=0)
            assert xnat.call(method, address).status_code < 400
            state["busy"] = False
            return Response("pretend proxy", lost)
        return None

    xnat.before(hook)


def make_old(xnat: XNAT) -> None:
    """What was archived until now was archived long ago."""
    for table, column in (("workflow", "launch_time"), ("experiment", "inserted")):
        xnat.store.database.execute(f"UPDATE {table} SET {column}='2024-05-02 10:00:00.0'")


def tells_no_history(xnat: XNAT) -> None:
    def hook(request: Request) -> Response | None:
        return Response("", 403) if request.path.endswith("/history") else None

    xnat.before(hook)


# --- deleted --------------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [404, 500, 502])
@pytest.mark.parametrize("more", ["", "&session=OTHER"])
def test_what_somebody_has_archived_is_not_called_deleted(
    run: Run, stage: Stage, xnat: XNAT, lost: int, more: str
) -> None:
    words = stage()
    meanwhile(xnat, DELETING, f"POST /data/services/archive?{src(words)}{more}", lost=lost)
    status, records, err = run("delete", *words, "--yes")
    assert (status, records[0]["outcome"]) == (1, "failed"), err
    label = "OTHER" if more else "E1"
    assert f"session P1/{label} has changed since it came, and may hold it" in err
    assert rows(xnat) == []


@pytest.mark.parametrize("lost", [404, 502])
def test_what_somebody_has_moved_is_not_called_deleted(
    run: Run, stage: Stage, xnat: XNAT, lost: int
) -> None:
    words = stage()
    move = f"POST /data/prearchive/projects/{'/'.join(words)}?action=move&newProject=P2"
    meanwhile(xnat, DELETING, move, lost=lost)
    status, records, err = run("delete", *words, "--yes")
    assert (status, records[0]["outcome"]) == (1, "failed"), err
    assert f"it waits as P2/{words[1]}/E1" in err


def test_what_was_archived_over_another_study_is_not_called_deleted(
    run: Run, stage: Stage, xnat: XNAT
) -> None:
    run("archive", *stage(study="9.9.9"))
    make_old(xnat)
    words = stage()
    archive = f"POST /data/services/archive?{src(words)}&overwrite=delete"
    meanwhile(xnat, DELETING, archive, lost=502)
    status, records, err = run("delete", *words, "--yes")
    assert (status, records[0]["outcome"]) == (1, "failed"), err


@pytest.mark.parametrize("lost", [404, 500, 502])
@pytest.mark.parametrize("before", [True, False])
def test_what_was_deleted_is_called_so_beside_a_session_of_old(
    run: Run, stage: Stage, xnat: XNAT, lost: int, before: bool
) -> None:
    if before:
        run("archive", *stage())
        make_old(xnat)
    words = stage()
    row = f"DELETE /data/prearchive/projects/{'/'.join(words)}"
    meanwhile(xnat, DELETING, row, lost=lost)
    status, records, err = run("delete", *words, "--yes")
    assert (status, records[0]["outcome"]) == (0, "done"), err


@pytest.mark.parametrize("lost", [502, 503])
def test_a_program_is_told_of_what_it_has_deleted_although_the_answer_was_lost(
    stage: Stage, xnat: XNAT, monkeypatch: pytest.MonkeyPatch, lost: int
) -> None:
    monkeypatch.setattr("xnat_core.http.retries.FIRST_PAUSE", 0)
    words = stage()
    xnat.loses(*DELETING, lost)
    with XNATClient(xnat.url, *xnat.admin) as client:
        assert PrearchiveService(client).delete(*words)
        with pytest.raises(ResourceNotFoundError):
            PrearchiveService(client).delete(*words)
    assert rows(xnat) == []


def test_without_a_history_nobody_says_that_a_session_of_the_study_does_not_hold_it(
    run: Run, stage: Stage, xnat: XNAT
) -> None:
    run("archive", *stage())
    make_old(xnat)
    words = stage()
    tells_no_history(xnat)
    xnat.loses(*DELETING)
    status, records, err = run("delete", *words, "--yes")
    assert (status, records[0]["outcome"]) == (1, "failed")
    assert "session P1/E1 has no history to tell, and may hold it" in err


# --- archived -------------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [404, 500, 502])
def test_what_somebody_has_deleted_is_not_called_archived(
    run: Run, stage: Stage, xnat: XNAT, lost: int
) -> None:
    run("archive", *stage())
    make_old(xnat)
    words = stage()
    row = f"DELETE /data/prearchive/projects/{'/'.join(words)}"
    meanwhile(xnat, ARCHIVING, row, lost=lost)
    status, records, err = run("archive", *words)
    assert (status, records[0]["outcome"]) == (5, "failed"), err
    assert "not found; session E1 is older and has nothing of it" in err


@pytest.mark.parametrize("lost", [500, 502])
def test_a_session_of_another_study_is_not_what_was_archived(
    run: Run, stage: Stage, xnat: XNAT, lost: int
) -> None:
    xnat.has_session("P1", "S1", "E1", UID="9.9.9")
    words = stage()
    row = f"DELETE /data/prearchive/projects/{'/'.join(words)}"
    meanwhile(xnat, ARCHIVING, row, lost=lost)
    status, records, err = run("archive", *words)
    assert (status, records[0]["outcome"]) == (5, "failed"), err
    assert "not found; session E1 is of another study" in err


def test_without_a_history_an_old_session_is_not_called_what_was_archived(
    run: Run, stage: Stage, xnat: XNAT
) -> None:
    run("archive", *stage())
    make_old(xnat)
    words = stage()
    tells_no_history(xnat)
    row = f"DELETE /data/prearchive/projects/{'/'.join(words)}"
    meanwhile(xnat, ARCHIVING, row, lost=502)
    status, records, err = run("archive", *words)
    assert (status, records[0]["outcome"]) == (5, "failed"), err
    assert "the server does not tell whether session E1 has come of it" in err


def test_without_a_history_a_new_session_is_what_was_archived(
    run: Run, stage: Stage, xnat: XNAT
) -> None:
    words = stage()
    tells_no_history(xnat)
    xnat.loses(*ARCHIVING)
    status, records, err = run("archive", *words)
    assert (status, records[0]["label"], records[0]["outcome"]) == (0, "E1", "done"), err


@pytest.mark.parametrize("study", ["1.2.3", "9.9.9"])
def test_what_was_overwritten_is_archived_also_when_the_answer_was_lost(
    run: Run, stage: Stage, xnat: XNAT, study: str
) -> None:
    run("archive", *stage(study=study))
    make_old(xnat)
    words = stage()
    xnat.loses(*ARCHIVING)
    status, records, err = run("archive", *words, "--overwrite")
    assert (status, records[0]["label"], records[0]["outcome"]) == (0, "E1", "done"), err
