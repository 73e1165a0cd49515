"""Source and destination on one server: nothing comes to be there twice."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from support.transfers import Ran, Transfer, everything

TO_A = ("--dest-profile", "source", "--dest-project", "A")


@pytest.mark.parametrize(
    ("source", "dest"), [("OTHER", "A"), ("A", "OTHER"), ("OTHER", "OTHER"), ("A", "A")]
)
def test_an_alias_of_the_destination_is_no_other_project(
    transfer: Transfer, source: str, dest: str
) -> None:
    transfer.has_session("SUB 2", "S 2", "MR")
    transfer.source.call("PUT", "/data/projects/A?alias=OTHER")
    before = everything(transfer.source, "A")
    ran = transfer.say(
        *("run", "-p", "source", "-P", source, "--dest-profile", "source", "--dest-project", dest)
    )
    assert ran.status == 2
    assert "same project" in ran.err
    assert everything(transfer.source, "A") == before


@pytest.mark.parametrize("project", ["A", "OTHER", None])
def test_of_records_only_those_of_the_destination_are_refused(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch, project: str | None
) -> None:
    transfer.source.call("PUT", "/data/projects/A?alias=OTHER")
    inside = transfer.has_session("SUB 2", "S 2", "MR")
    transfer.source.has_project("C")
    outside = transfer.source.has_session("C", "SUBC", "SC")
    before = everything(transfer.source, "A")
    named = {"kind": "session", "id": inside.id, "project": project}
    ran = _fed(transfer, monkeypatch, named, {"kind": "session", "id": outside.id, "project": "C"})
    assert [record["outcome"] for record in ran.of("session")] == ["failed", "done"]
    assert "same project" in ran.err
    assert ran.status == 1
    assert everything(transfer.source, "A") == before
    assert [row["label"] for row in transfer.source.rows(SUBJECTS)] == ["SUB 2", "SUBC"]


def test_what_a_project_shares_does_not_come_back_under_another_label(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = transfer.has_session("S1", "S1_MR1", "MR")
    transfer.source.has_project("C")
    transfer.source.call("PUT", f"/data/experiments/{shared.id}/projects/C?label=THERE")
    before = everything(transfer.source, "A")
    record = {"kind": "session", "id": shared.id, "project": "C"}
    ran = _fed(transfer, monkeypatch, record)
    assert ran.status == 1
    assert "the destination has it already, as S1_MR1" in ran.err
    assert everything(transfer.source, "A") == before


def test_a_server_of_two_urls_gets_nothing_twice(transfer: Transfer) -> None:
    transfer.has_session("SUB 1", "S1_MR1", "MR")
    transfer.has_session("SUB2", "S 2", "MR")
    before = everything(transfer.source, "A")
    name, password = transfer.source.admin
    ran = transfer.say(
        *("run", "-p", "source", "-P", "A", "--dest-project", "A", "--dest-user", name),
        *("--dest-pass", password),
        *("--dest-url", transfer.source.url.replace("127.0.0.1", "localhost")),
    )
    assert ran.status == 1
    assert "the destination has it already, as SUB 1" in ran.err
    assert "the destination has it already, as S 2" in ran.err
    assert everything(transfer.source, "A") == before


def test_equal_ids_of_two_servers_mean_nothing(transfer: Transfer) -> None:
    ours = transfer.has_session("SUB 1", "S 1", "MR")
    other = transfer.dest.has_session("B", "SOMEBODY", "ELSE")
    assert ours.id == other.id
    ran = transfer()
    assert ran.status == 0, ran.err
    assert {"/SUB_1/S_1/scan 1/DICOM/mr1_0001.dcm"} < everything(transfer.dest, "B").keys()


SUBJECTS = "/data/projects/A/subjects?format=json"


def _fed(transfer: Transfer, monkeypatch: pytest.MonkeyPatch, *records: dict[str, Any]) -> Ran:
    text = "".join(json.dumps(record) + "\n" for record in records)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    return transfer.say("run", "-p", "source", *TO_A)
