"""Sessions of the prearchive archived, or left there with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support.imports import rows
from support.sandbox import XNAT
from support.staging import record

if TYPE_CHECKING:
    from conftest import Run, Stage


def test_archive_gives_the_session_it_has_become(run: Run, stage: Stage, xnat: XNAT) -> None:
    status, records, _ = run("archive", *stage())
    assert status == 0
    assert [(r["kind"], r["label"], r["subject"], r["outcome"]) for r in records] == [
        ("session", "E1", "S1", "done")
    ]
    assert records[0]["uri"] == f"/data/experiments/{records[0]['id']}"
    assert rows(xnat) == []


def test_archiving_again_is_skipped(run: Run, stage: Stage) -> None:
    words = stage()
    run("archive", *words)
    status, records, _ = run("archive", *words)
    assert (status, records[0]["outcome"], records[0]["label"]) == (0, "skipped", "E1")


@pytest.mark.parametrize("command", ["archive", "wait"])
def test_a_mistyped_timestamp_is_not_taken_for_one_that_was_archived(
    run: Run, stage: Stage, command: str
) -> None:
    run("archive", *stage())
    project, timestamp, name = stage()
    status, records, err = run(command, project, "20240101_101010101", name)
    assert (status, records[0]["outcome"]) == (5, "failed")
    assert f"{project}/{timestamp}/{name} waits" in err


def test_a_mistyped_name_is_not_taken_for_one_that_was_archived(run: Run, stage: Stage) -> None:
    run("archive", *stage())
    project, timestamp, name = stage()
    status, _, err = run("archive", project, timestamp, "E2", "--label", "E1")
    assert (status, f"{project}/{timestamp}/{name} waits" in err) == (5, True)


@pytest.mark.parametrize("command", ["archive", "rebuild", "move", "delete"])
def test_where_does_not_look_like_a_choice(
    run: Run, stage: Stage, xnat: XNAT, command: str
) -> None:
    known = record(stage(), xnat, status="READY")
    words = [*(["P1"] if command == "move" else []), *(["--yes"] if command == "delete" else [])]
    status, records, err = run(command, *words, "--where", "status=ERROR", records=[known])
    assert (status, records, len(rows(xnat))) == (2, [], 1)
    assert "not what is changed" in err


def test_subject_and_label_may_be_given(run: Run, stage: Stage) -> None:
    _, records, _ = run("archive", *stage(), "--subject", "OTHER", "--label", "RENAMED")
    assert (records[0]["subject"], records[0]["label"]) == ("OTHER", "RENAMED")


def test_many_at_once_keep_what_the_input_said(run: Run, stage: Stage, xnat: XNAT) -> None:
    known = [record(stage(f"E{n}", study=f"1.2.{n}"), xnat) for n in range(6)]
    status, records, err = run("archive", records=known)
    assert status == 0
    assert sorted(r["label"] for r in records) == [f"E{n}" for n in range(6)]
    assert err == ""


def test_a_conflict_stays_says_why_and_names_the_flag(run: Run, stage: Stage, xnat: XNAT) -> None:
    run("archive", *stage())
    words = stage()
    status, records, err = run("archive", *words)
    assert status == 1
    assert records[0]["status"] == "CONFLICT"
    assert "matching files; --overwrite merges" in err
    assert err.count("\n") == 2  # the failure and the summary
    assert run("archive", *words, "--overwrite")[0] == 0
    assert rows(xnat) == []


@pytest.mark.parametrize("body", ["<html>maintenance</html>", '{"ResultSet": 1}'])
def test_a_dry_run_takes_no_other_page_for_the_answer_that_nothing_speaks_against_it(
    run: Run, stage: Stage, xnat: XNAT, body: str
) -> None:
    words = stage()
    xnat.fails("POST", "/data/services/validate-archive", 200, body=body, times=1000)
    status, records, err = run("archive", *words, "--dry-run")
    assert (status, records[0]["outcome"]) == (1, "failed")
    assert "what speaks against archiving" in err


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_a_session_whose_subject_is_called_by_the_id_of_another_is_not_archived_under_that_one(
    run: Run, stage: Stage, xnat: XNAT, more: tuple[str, ...]
) -> None:
    other = xnat.has_subject("P2", "ANN")
    words = stage(subject=other.id)
    for asked in (words, [*words, "--subject", other.id]):
        status, _, err = run("archive", *asked, *more)
        assert status == 2
        assert f"subject {other.id!r} is the accession ID of subject 'ANN' of P2" in err
    assert rows(xnat)[0]["status"] == "READY"
    assert run("archive", *words, "--subject", "S1", *more)[0] == 0


def test_a_subject_of_the_project_that_a_session_calls_by_its_id_is_to_be_named(
    run: Run, stage: Stage, xnat: XNAT
) -> None:
    own = xnat.has_subject("P1", "ANN")
    words = stage(subject=own.id)
    status, _, err = run("archive", *words)
    assert (status, f"name {own.id} where that one is meant, a label of P1, or" in err) == (2, True)
    status, records, _ = run("archive", *words, "--subject", own.id)
    assert (status, records[0]["subject"]) == (0, "ANN")


def test_a_project_is_not_listed_to_see_that_a_label_is_not_meant_as_an_id(
    run: Run, stage: Stage, xnat: XNAT
) -> None:
    # Once for each session that would be, where labels are the IDs that subjects had elsewhere.
    label = xnat.has_subject("P2", "ANN").id
    own = xnat.has_subject("P1", label)
    status, records, _ = run("archive", *stage(subject=label))
    assert (status, records[0]["subject_id"]) == (0, own.id)
    listings = [r for r in xnat.requests("GET") if r.path == "/data/projects/P1/subjects"]
    assert ["ID" in request.args for request in listings] == [True]


def test_an_auto_archive_project_answers_with_a_redirect_that_is_a_success(
    run: Run, stage: Stage, xnat: XNAT
) -> None:
    xnat.has_project("AUTO", code=4)
    status, records, _ = run("archive", *stage(project="AUTO"))
    assert (status, records[0]["project"]) == (0, "AUTO")


def test_a_planned_record_is_handed_on_and_not_acted_on(run: Run, stage: Stage, xnat: XNAT) -> None:
    plan = record(stage(), xnat, outcome="planned")
    assert run("delete", "--yes", records=[plan])[:2] == (0, [plan])
    assert len(rows(xnat)) == 1


@pytest.mark.usefixtures("slow")
def test_archive_builds_what_has_only_been_received(run: Run) -> None:
    _, listed, _ = run("list")
    status, records, _ = run("archive", records=listed)
    assert (status, records[0]["kind"], records[0]["label"]) == (0, "session", "E9")


def test_a_session_record_is_archived_already(run: Run, xnat: XNAT) -> None:
    session = {"kind": "session", "server": xnat.url, "id": "XNAT_E1"}
    assert run("archive", records=[session])[1] == [{**session, "outcome": "skipped"}]


def test_half_an_address_is_a_usage_error(run: Run) -> None:
    status, _, err = run("archive", "P1", "20240101_101010101")
    assert status == 2
    assert "all of PROJECT TIMESTAMP NAME" in err


def test_what_somebody_else_archives_in_between_is_archived(
    run: Run, stage: Stage, xnat: XNAT
) -> None:
    words = stage()

    src, left = "/prearchive/projects/" + "/".join(words), [1]

    def archive_first(request: Any) -> None:
        if left and request.path == "/data/services/archive":
            left.pop()
            assert xnat.call("POST", "/data/services/archive", data={"src": src}).ok

    xnat.before(archive_first)
    status, records, _ = run("archive", *words)
    assert (status, records[0]["kind"], records[0]["label"]) == (0, "session", "E1")
