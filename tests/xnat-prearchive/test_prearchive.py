"""The prearchive on the command line, against a server that does what XNAT does."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from support.imports import rows, send_object
from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_prearchive.service import PrearchiveService
from xnat_sandbox.samples import instance_of

if TYPE_CHECKING:
    from conftest import Run, Stage


def record(words: list[str], xnat: XNAT, **more: Any) -> dict[str, Any]:
    names = dict(zip(("project", "timestamp", "name"), words, strict=True))
    return {"kind": "prearchive", "server": xnat.url, **names, **more}


@pytest.fixture
def slow(make_xnat: Any, monkeypatch: pytest.MonkeyPatch, xnat: XNAT) -> XNAT:
    """A server that takes what it receives for unfinished, as it has received one session."""
    server: XNAT = make_xnat(replace(xnat.settings, rebuild_idle=3600.0))
    monkeypatch.setenv("XNAT_URL", server.url)
    server.has_project("P1")
    send_object(server, dicom_bytes(), "a.dcm", PROJECT_ID="P1", SUBJECT_ID="S1", EXPT_LABEL="E9")
    return server


def test_list_tells_address_and_status(run: Run, stage: Stage) -> None:
    project, timestamp, name = stage()
    status, records, _ = run("list", "-P", "P1")
    assert status == 0
    assert [(r["id"], r["status"], r["subject"]) for r in records] == [
        (f"{project}/{timestamp}/{name}", "READY", "S1")
    ]


def test_an_unknown_project_is_not_an_empty_list(run: Run) -> None:
    assert run("list", "-P", "NOPE")[0] == 5
    assert run("list", "-P", "P1")[:2] == (0, [])


@pytest.mark.parametrize("command", ["archive", "wait", "rebuild", "scans", "delete"])
def test_an_unknown_project_is_told_as_that(run: Run, command: str) -> None:
    # The server answers with an error of its own (500).
    status, _, err = run(command, "NOPE", "20240502_101500123", "E1")
    assert status == 5
    assert "project 'NOPE' not found" in err


def test_the_reason_is_the_latest_entry_of_the_log_in_whatever_order_it_comes(
    run: Run, stage: Stage, xnat: XNAT
) -> None:
    # Entries are files of a folder, called by the time in milliseconds.
    words = stage()
    xnat.call("POST", f"/data/prearchive/projects/{'/'.join(words)}?action=set-status&status=ERROR")
    entries = {"1714644900123": "first", "1714644902123": "last", "1714644901123": "second"}
    log = [{"id": id, "date": "", "entry": entry} for id, entry in entries.items()]
    body = json.dumps({"ResultSet": {"Result": [*log, {"id": "directArchive7", "entry": "older"}]}})
    xnat.fails("GET", f"/data/prearchive/projects/{'/'.join(words)}/logs", 200, body=body)
    status, _, err = run("wait", *words)
    assert (status, ": last" in err) == (1, True), err


def test_a_project_is_listed_without_what_nobody_owns(run: Run, stage: Stage, xnat: XNAT) -> None:
    stage()
    send_object(xnat, dicom_bytes(), "a.dcm")
    assert [r["project"] for r in run("list", "-P", "P1")[1]] == ["P1"]
    assert [r["project"] for r in run("list", "-P", "Unassigned")[1]] == ["Unassigned"]
    assert sorted(r["project"] for r in run("list")[1]) == ["P1", "Unassigned"]


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
    assert "--overwrite merges" in err
    assert err.count("\n") == 2  # the failure and the summary
    assert run("archive", *words, "--overwrite")[0] == 0
    assert rows(xnat) == []


def test_a_dry_run_asks_for_the_conflicts_and_archives_nothing(
    run: Run, stage: Stage, xnat: XNAT
) -> None:
    first = stage()
    status, records, _ = run("archive", *first, "--dry-run")
    assert (status, records[0]["outcome"]) == (0, "planned")
    run("archive", *first)
    status, records, _ = run("archive", *stage(), "--dry-run")
    assert (status, records[0]["outcome"]) == (1, "failed")
    assert len(rows(xnat)) == 1


def test_a_dry_run_reads_no_files_for_which_the_server_would_wait(run: Run, slow: XNAT) -> None:
    # On a project that archives by itself, one that is READY would not be archived any more.
    (row,) = rows(slow)
    status, records, _ = run("archive", "P1", row["timestamp"], "E9", "--dry-run")
    assert (status, records[0]["outcome"], records[0]["status"]) == (0, "planned", "RECEIVING")
    assert "its files have not been read yet" in records[0]["warnings"][0]
    assert rows(slow)[0]["status"] == "RECEIVING"


def test_a_dry_run_passes_over_the_conflicts_that_archiving_does(
    run: Run, stage: Stage, xnat: XNAT
) -> None:
    run("archive", *stage())
    again = stage()
    status, records, _ = run("archive", *again, "--overwrite", "--dry-run")
    assert (status, records[0]["outcome"]) == (0, "planned")
    for path in xnat.data.glob("prearchive/P1/*/E1/SCANS/*/DICOM/*.dcm"):
        path.rename(path.with_name("other-" + path.name))
    assert run("rebuild", *again)[0] == 0
    # What is new to the session is merged without being told.
    status, records, _ = run("archive", *again, "--dry-run")
    assert (status, records[0]["outcome"]) == (0, "planned")
    assert run("archive", *again)[0] == 0


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
    assert all("ID" in request.args for request in listings)


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


def test_wait_is_over_when_the_session_is_ready(run: Run, stage: Stage) -> None:
    status, records, _ = run("wait", *stage())
    assert (status, records[0]["status"], records[0]["outcome"]) == (0, "READY", "done")


def test_wait_finds_what_was_sent_by_cstore_by_its_study(
    run: Run, stage: Stage, xnat: XNAT
) -> None:
    words = stage(study="1.2.77")
    sent = {"kind": "upload", "uid": "1.2.77", "project": "P1", "files": 4, "outcome": "done"}
    status, records, _ = run("wait", records=[sent])
    assert status == 0
    assert [(r["kind"], r["id"], r["status"]) for r in records] == [
        ("prearchive", "/".join(words), "READY")
    ]


def test_wait_finds_a_study_that_is_archived_already(run: Run, stage: Stage) -> None:
    run("archive", *stage(study="1.2.77"))
    sent = {"kind": "upload", "uid": "1.2.77", "outcome": "done"}
    status, records, _ = run("wait", records=[sent])
    assert (status, records[0]["kind"], records[0]["label"]) == (0, "session", "E1")


def test_wait_tells_that_a_study_landed_in_another_project(run: Run, stage: Stage) -> None:
    words = stage(study="1.2.77", project="P2")
    sent = {"kind": "upload", "uid": "1.2.77", "project": "P1", "outcome": "done"}
    status, records, err = run("wait", "--timeout", "0", records=[sent])
    assert (status, records[0]["outcome"]) == (1, "failed")
    assert f"study 1.2.77 is not in P1, but in {'/'.join(words)}" in err


def test_wait_for_a_study_that_never_comes_is_not_found(run: Run) -> None:
    sent = {"kind": "upload", "uid": "1.2.77", "outcome": "done"}
    assert run("wait", "--timeout", "0.3", records=[sent])[0] == 5


def test_wait_needs_the_study_of_an_upload(run: Run) -> None:
    status, records, _ = run("wait", records=[{"kind": "upload", "path": "a", "outcome": "done"}])
    assert (status, records[0]["outcome"]) == (1, "failed")


def test_wait_follows_data_that_is_still_arriving(run: Run, xnat: XNAT) -> None:
    data = dicom_bytes()
    send_object(xnat, data, "a.dcm", PROJECT_ID="P1", SUBJECT_ID="S1", EXPT_LABEL="E9")
    _, listed, _ = run("list")
    status, records, _ = run("wait", records=listed)
    assert (status, records[0]["status"]) == (0, "READY")


@pytest.mark.usefixtures("slow")
def test_a_wait_that_runs_out_is_a_failure_that_says_so(run: Run) -> None:
    _, listed, _ = run("list")
    status, records, err = run("wait", "--timeout", "0.3", records=listed)
    assert (status, records[0]["outcome"]) == (1, "failed")
    assert "RECEIVING after 0.3 seconds" in err


@pytest.mark.usefixtures("slow")
def test_archive_builds_what_has_only_been_received(run: Run) -> None:
    _, listed, _ = run("list")
    status, records, _ = run("archive", records=listed)
    assert (status, records[0]["kind"], records[0]["label"]) == (0, "session", "E9")


def test_scans_are_records_of_their_own_kind(run: Run, stage: Stage) -> None:
    status, records, _ = run("scans", *stage())
    assert status == 0
    assert [(r["kind"], r["id"], r["file_count"]) for r in records] == [
        ("prearchive_scan", "1", 2),
        ("prearchive_scan", "2", 2),
    ]


def test_files_of_a_scan_that_are_no_images_are_counted(run: Run, stage: Stage, xnat: XNAT) -> None:
    words = stage()
    (images,) = xnat.data.rglob("E1/SCANS/2/DICOM")
    images.rename(images.with_name("secondary"))
    _, records, _ = run("scans", *words)
    assert [(record["id"], record["file_count"]) for record in records] == [("1", 2), ("2", 2)]
    assert len(xnat.requests("GET", "/data/prearchive/projects/P1/" + words[1])) == 3


def test_rebuild_reads_the_files_anew_and_never_archives(
    run: Run, stage: Stage, xnat: XNAT
) -> None:
    xnat.has_project("AUTO", code=4)
    status, records, _ = run("rebuild", *stage(project="AUTO"))
    assert (status, records[0]["status"]) == (0, "READY")
    assert [path.path for path in xnat.requests("POST") if "action=rebuild" in path.url] == []


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
    assert (
        xnat.requests("DELETE", "/data/prearchive") == [] or "%2F" in xnat.requests("DELETE")[0].url
    )


def test_a_session_record_is_archived_already(run: Run, xnat: XNAT) -> None:
    session = {"kind": "session", "server": xnat.url, "id": "XNAT_E1"}
    assert run("archive", records=[session])[1] == [{**session, "outcome": "skipped"}]


def test_half_an_address_is_a_usage_error(run: Run) -> None:
    status, _, err = run("archive", "P1", "20240101_101010101")
    assert status == 2
    assert "all of PROJECT TIMESTAMP NAME" in err


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


@pytest.mark.parametrize("command", ["archive", "rebuild"])
def test_what_is_being_built_is_waited_for(command: str, run: Run, slow: XNAT) -> None:
    _, listed, _ = run("list")
    slow.fails("POST", "/data/prearchive", 409, body="session document locked")
    status, records, _ = run(command, records=listed)
    assert (status, records[0]["outcome"]) == (0, "done")


def test_rebuild_waits_no_longer_than_it_is_told(run: Run, stage: Stage, xnat: XNAT) -> None:
    words = stage()
    xnat.fails("POST", "/data/prearchive", 409, times=1000)
    status, _, err = run("rebuild", *words, "--timeout", "0")
    assert status == 1
    assert "after 0 seconds" in err


@pytest.mark.parametrize(
    ("refusal", "timeout", "reason"),
    [(400, "60", "400"), (409, "0.5", "after 0.5 seconds")],
)
def test_what_the_server_does_not_build_is_not_said_to_be_built(
    refusal: int, timeout: str, reason: str, run: Run, stage: Stage, xnat: XNAT
) -> None:
    words = stage()
    xnat.fails("POST", "/data/prearchive", refusal, times=1000)
    status, records, err = run("rebuild", *words, "--timeout", timeout)
    assert status == 1
    assert records[0]["outcome"] == "failed"
    assert reason in err


@pytest.mark.parametrize("command", ["rebuild", "archive"])
def test_a_refusal_to_build_in_an_answer_of_success_is_a_failure(
    command: str, run: Run, slow: XNAT
) -> None:
    _, listed, _ = run("list")
    refusal = "Operation Failed: unable to read the session"
    slow.fails("POST", "/data/prearchive", 200, body=refusal, times=1000)
    status, records, err = run(command, "--timeout", "1", records=listed)
    assert (status, records[0]["outcome"]) == (1, "failed")
    assert refusal in err


def test_what_was_built_before_is_not_said_to_be_built_anew(
    run: Run, stage: Stage, xnat: XNAT
) -> None:
    words = stage()
    xnat.fails("POST", "/data/prearchive", 200, body="Operation Failed: disk full")
    status, _, err = run("rebuild", *words)
    assert status == 1
    assert "Operation Failed: disk full" in err


def test_the_commands_chain_as_real_processes(stage: Stage, xnat: XNAT) -> None:
    stage()
    stage("E2", study="1.2.9")
    line = (
        "xnat-prearchive list | xnat-prearchive wait | xnat-prearchive archive | xnat-ls scans -q"
    )
    answer = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line], capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.split() == ["1", "2", "1", "2"]
    assert len(xnat.requests("POST", "/data/JSESSION")) == 1


def test_the_documented_service_reads_by_key_and_by_attribute(stage: Stage, xnat: XNAT) -> None:
    project, timestamp, name = stage()
    with XNATClient(xnat.url, "admin", "admin") as client:
        service = PrearchiveService(client)
        (row,) = service.list("P1")
        assert (row.name, row.status, row["status"]) == (name, "READY", "READY")
        assert service.get(project, timestamp, name).upload_date
        assert [scan["ID"] for scan in service.get_scans(project, timestamp, name)] == ["1", "2"]
        session = service.archive(project=project, timestamp=timestamp, session=name)
        assert session["label"] == "E1"


def dicom_bytes() -> bytes:
    import io

    buffer = io.BytesIO()
    instance_of(study_uid="1.2.77").save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def test_the_library_moves_to_the_project_that_an_alias_names(stage: Stage, xnat: XNAT) -> None:
    # The server takes the name as it is for the folder of the project.
    assert xnat.call("PUT", "/data/projects/P2?alias=SECOND").status_code == 200
    project, timestamp, name = stage()
    with XNATClient(xnat.url, *xnat.admin) as client:
        row = PrearchiveService(client).move(project, timestamp, name, "SECOND")
    assert row["project"] == "P2"
    (request,) = (one for one in xnat.requests("POST") if "newProject" in one.args)
    assert request.args["newProject"] == "P2"
