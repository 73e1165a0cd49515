"""The rows of one study: what is not of it must never be taken for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Run, Stage
    from support.sandbox import XNAT


def test_of_a_project_only_the_rows_of_the_study_are_listed(run: Run, stage: Stage) -> None:
    stage("E1", study="1.2.1")
    words = stage("E2", study="1.2.2")
    status, records, _ = run("list", "-P", "P1", "--study", "1.2.2")
    assert (status, [record["id"] for record in records]) == (0, ["/".join(words)])
    assert run("list", "-P", "P1", "--study", "1.2.3")[:2] == (0, [])
    # A variable that is not set; what is listed may go on to be deleted.
    assert run("list", "-P", "P1", "--study", "")[:2] == (2, [])


def test_a_study_that_lies_where_one_has_no_rights_is_none(
    run: Run, stage: Stage, xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage("E1", project="P2", study="1.2.77")
    login, password = xnat.has_user("bob", P1="member")
    monkeypatch.setenv("XNAT_USER", login)
    monkeypatch.setenv("XNAT_PASS", password)
    assert run("list", "--study", "1.2.77")[:2] == (0, [])


def test_a_study_is_waited_for_although_it_lies_elsewhere_too(
    run: Run, stage: Stage, xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage("E1", project="P2", study="1.2.77")
    run("archive", *stage("E2", project="P1", study="1.2.77"))
    login, password = xnat.has_user("bob", P1="member")
    monkeypatch.setenv("XNAT_USER", login)
    monkeypatch.setenv("XNAT_PASS", password)
    sent = {"kind": "upload", "uid": "1.2.77", "project": "P1", "outcome": "done"}
    status, records, _ = run("wait", "--timeout", "0", records=[sent])
    assert (status, [record["label"] for record in records]) == (0, ["E2"])


def test_a_study_that_comes_later_is_waited_for(
    run: Run, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage("E0", study="1.2.76")
    run("archive", *stage("E9", project="P2", study="1.2.79"))
    pauses: list[float] = []

    def rest(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            stage("E1", study="1.2.77")

    monkeypatch.setattr("xnat_prearchive.arrival.rest", rest)
    sent = {"kind": "upload", "uid": "1.2.77", "project": "P1", "outcome": "done"}
    status, records, _ = run("wait", "--timeout", "30", records=[sent])
    assert (status, [record["label"] for record in records]) == (0, ["E1"])
    assert 0 < pauses[0] < pauses[1]
    status, _, err = run("wait", "--timeout", "0", records=[{**sent, "uid": "1.2.78"}])
    assert (status, "study '1.2.78' not found" in err, len(pauses)) == (5, True, 2), err
    status, _, err = run("wait", "--timeout", "0", records=[{**sent, "uid": "1.2.79"}])
    assert (status, "study 1.2.79 is not in P1, but in P2/E9" in err) == (1, True), err
    status, records, _ = run("wait", "--timeout", "0", records=[{**sent, "uid": ""}])
    assert (status, [record["outcome"] for record in records]) == (1, ["failed"])
