"""What `check`, `status` and `history` say."""

from __future__ import annotations

import pytest

from support.transfers import Transfer


def checks(transfer: Transfer, *words: object) -> tuple[int, dict[str, str]]:
    ran = transfer(*words, verb="check")
    return ran.status, {one["check"]: one["status"] for one in ran.records}


def test_all_is_well(transfer: Transfer) -> None:
    status, found = checks(transfer)
    assert status == 0
    assert set(found.values()) == {"OK"}
    assert {"source login", "destination permission", "anonymization", "auto-archive"} <= {*found}


def test_a_user_who_may_not_write_is_a_failure(transfer: Transfer) -> None:
    transfer.dest.store.accounts.leave("keeper", "B_owner")
    transfer.dest.store.accounts.join("keeper", "B_collaborator")
    status, found = checks(transfer)
    assert (status, found["destination permission"]) == (1, "FAIL")


def test_a_wrong_password_is_a_failure(transfer: Transfer) -> None:
    transfer.dest.store.accounts.join("keeper", "B_owner")
    status, found = checks(transfer, "--dest-user", "nobody", "--dest-pass", "wrong")
    assert (status, found["destination login"], found["destination"]) == (1, "FAIL", "OK")


def test_a_destination_that_anonymizes_is_a_warning(transfer: Transfer) -> None:
    transfer.dest.call("PUT", "/xapi/anonymize/projects/B", data="(0010,0010) := project\n")
    status, found = checks(transfer)
    assert (status, found["anonymization"]) == (0, "WARN")


def test_a_project_that_is_missing_is_a_failure(transfer: Transfer) -> None:
    ran = transfer.say(
        *("check", "-p", "source", "-P", "NOPE", "--dest-profile", "dest", "--dest-project", "B")
    )
    found = {one["check"]: one["status"] for one in ran.records}
    assert (ran.status, found["source project"]) == (1, "FAIL")


def test_runs_are_remembered(transfer: Transfer, monkeypatch: pytest.MonkeyPatch) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    transfer()
    transfer()
    (status,) = transfer.say("status", "-P", "A").records
    assert (status["status"], status["subjects_synced"], status["subjects_skipped"]) == (
        "completed", 0, 1,
    )  # fmt: skip
    second, first = transfer.say("history").records
    assert (first["synced"], second["synced"]) == (1, 0)
    assert transfer.say("history", "-P", "OTHER").records == []
    # Only options choose: where one works otherwise says nothing of what has been transferred.
    monkeypatch.setenv("XNAT_URL", "https://other.example.org")
    assert len(transfer.say("history").records) == 2
    assert transfer.say("history", "--url", "https://other.example.org").records == []


def test_a_dry_run_is_not_remembered(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    transfer("--dry-run")
    assert transfer.say("history").records == []
