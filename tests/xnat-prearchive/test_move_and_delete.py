"""Sessions of the prearchive moved and deleted, by addresses that mean just them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.imports import rows
from support.sandbox import XNAT
from support.staging import record

if TYPE_CHECKING:
    from conftest import Run, Stage


def test_move_gives_the_row_of_the_new_project(run: Run, stage: Stage, xnat: XNAT) -> None:
    status, records, _ = run("move", *stage(), "P2")
    assert (status, records[0]["project"], records[0]["outcome"]) == (0, "P2", "done")
    assert [row["project"] for row in rows(xnat)] == ["P2"]


def test_move_to_where_it_is_by_another_name_moves_nothing(
    run: Run, stage: Stage, xnat: XNAT
) -> None:
    words = stage()
    assert xnat.call("PUT", "/data/projects/P1?alias=FIRST").status_code == 200
    status, records, _ = run("move", *words, "FIRST")
    assert (status, records[0]["outcome"]) == (0, "skipped")
    assert not xnat.requests("POST", "/data/prearchive")


def test_move_to_a_project_that_is_not_there_moves_nothing(
    run: Run, stage: Stage, xnat: XNAT
) -> None:
    assert run("move", *stage(), "NOPE")[0] == 5
    assert [row["project"] for row in rows(xnat)] == ["P1"]


def test_delete_asks_and_really_deletes(
    run: Run, stage: Stage, xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = stage()
    monkeypatch.setattr("xnat_core.terminal.ask", lambda question, secret: "n")
    assert run("delete", *words)[0] == 7
    assert run("delete", *words, "--dry-run")[1][0]["outcome"] == "planned"
    assert len(rows(xnat)) == 1
    assert run("delete", *words, "--yes")[1][0]["outcome"] == "done"
    assert rows(xnat) == []
    assert run("delete", *words, "--yes")[0] == 5


def test_a_dot_in_a_folder_name_travels_encoded(run: Run, xnat: XNAT) -> None:
    run("delete", "P1", "20240101_101010101", "E1.v2", "--yes")
    (asked,) = xnat.requests("GET", "/data/prearchive")
    assert asked.environ["REQUEST_URI"].startswith(
        "/data/prearchive/projects/P1/20240101_101010101/E1%2Ev2"
    )


@pytest.mark.parametrize("name", ["..", "a/b", "", "a\x00b"])
def test_a_name_that_would_change_the_address_is_never_sent(
    name: str, run: Run, xnat: XNAT
) -> None:
    status, _, err = run(
        "delete", "--yes", records=[record(["P1", "20240101_101010101", name], xnat)]
    )
    assert status != 0
    assert "Traceback" not in err
    assert xnat.requests("DELETE") == []


@pytest.mark.parametrize("status", [502, 503])
def test_what_was_done_although_the_answer_was_lost_is_a_success(
    status: int, run: Run, stage: Stage, xnat: XNAT
) -> None:
    moved, deleted, archived = stage("E1"), stage("E2", study="1.2.4"), stage("E3", study="1.2.5")
    xnat.loses("POST", "/data/prearchive", status)
    xnat.loses("DELETE", "/data/prearchive", status)
    xnat.loses("POST", "/data/services/archive", status)
    code, records, _ = run("move", *moved, "P2")
    assert (code, records[0]["project"], records[0]["outcome"]) == (0, "P2", "done")
    assert run("delete", *deleted, "--yes")[0] == 0
    code, records, _ = run("archive", *archived)
    assert (code, records[0]["label"], records[0]["outcome"]) == (0, "E3", "done")
    assert [row["project"] for row in rows(xnat)] == ["P2"]


def test_a_row_that_was_not_moved_or_deleted_is_a_failure(
    run: Run, stage: Stage, xnat: XNAT
) -> None:
    words = stage()
    xnat.fails("POST", "/data/prearchive", 500)
    xnat.fails("DELETE", "/data/prearchive", 500)
    assert run("move", *words, "P2")[0] == 1
    assert run("delete", *words, "--yes")[0] == 1
    assert len(rows(xnat)) == 1


def test_moving_again_finds_what_was_moved(run: Run, stage: Stage, xnat: XNAT) -> None:
    words = stage()
    run("move", *words, "P2")
    status, records, _ = run("move", *words, "P2")
    assert (status, records[0]["project"]) == (0, "P2")
    assert len(rows(xnat)) == 1


@pytest.mark.parametrize("words", [("P1", "P2"), ("P1", "20240101_101010101", "E1")])
def test_a_move_that_lacks_words_is_refused(run: Run, xnat: XNAT, words: tuple[str, ...]) -> None:
    status, _, err = run("move", *words)
    assert (status, "PROJECT TIMESTAMP NAME TARGET" in err) == (2, True)
    assert [r for r in xnat.requests() if r.path.startswith("/data/p")] == []
