"""What has the labels of a session on the destination, and is another one."""

from __future__ import annotations

import pytest
from werkzeug.wrappers import Request, Response

from support.transfers import Transfer, everything
from xnat_core.errors import OperationError
from xnat_transfer.state import Run


def imports(transfer: Transfer) -> int:
    return len(transfer.dest.requests("POST", "/data/services/import"))


def test_a_label_that_another_session_has_got_is_a_conflict(transfer: Transfer) -> None:
    first = transfer.has_session("S1", "S1_MR1", "MR")
    (there,) = transfer().of("session")
    source = transfer.source
    assert source.call("PUT", f"/data/experiments/{first.id}?label=S1_OLD").status_code == 200
    second = transfer.has_session("S1", "S1_MR1", "MR", instances=3)
    before, sent = everything(transfer.dest, "B"), imports(transfer)
    ran = transfer()
    assert ran.status == 1
    assert {one["error"]["type"] for one in ran.of("session")} == {"TransferConflictError"}
    assert f"it was transferred from {first.id}" in ran.err
    assert "it is B/S1_MR1 on the destination now" in ran.err
    assert (everything(transfer.dest, "B"), imports(transfer)) == (before, sent)
    assert second.id != there["id"]


def test_an_experiment_without_scans_is_not_taken_for_a_session(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    transfer.dest.has_session("B", "S1", "S1_MR1", xsi_type="xnat:subjectVariablesData")
    ran = transfer()
    assert (ran.status, imports(transfer)) == (1, 0)
    assert "it is of another study or type" in ran.err


def test_data_that_went_to_another_project_stop_the_session(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    hidden = [True]

    def elsewhere(request: Request, response: Response) -> None:
        if hidden and request.path == "/data/services/import":
            response.data = response.data.replace(b"/projects/B/", b"/projects/OTHER/")

    transfer.dest.app.after(elsewhere)
    ran = transfer("--config", transfer.config(scan_retry_count=5))
    assert (ran.status, imports(transfer)) == (1, 1)
    assert "the destination filed the data under project 'OTHER'" in ran.err
    assert not transfer.dest.requests("POST", "/data/services/archive")


def test_what_cannot_be_built_there_is_a_failure_with_its_reason(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")

    def damage(request: Request) -> None:
        if request.args.get("action") == "build":
            for file in transfer.dest.data.rglob("S1_MR1/SCANS/*/DICOM/*.dcm"):
                file.write_bytes(b"damaged")

    transfer.dest.before(damage)
    ran = transfer("--config", transfer.config(scan_retry_count=1))
    assert ran.status == 1
    assert [one["outcome"] for one in ran.of("session")] == ["failed"]
    assert not transfer.dest.requests("POST", "/data/services/archive")


def test_a_source_that_grows_meanwhile_is_followed(transfer: Transfer) -> None:
    session = transfer.has_session("S1", "S1_MR1", resources={"NOTES": {"a.txt": b"a"}})
    left = [1]

    def grow(request: Request) -> None:
        if request.method == "PUT" and "/files" in request.path and left:
            left.pop()
            transfer.source.has_resource(session, "NOTES", {"b.txt": b"b"})

    transfer.dest.before(grow)
    ran = transfer()
    (done,) = ran.of("session")
    assert (ran.status, done["outcome"], done["verified"]) == (0, "done", True)
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


def test_a_resource_of_a_project_that_is_refused_is_a_failure(transfer: Transfer) -> None:
    transfer.source.has_resource(transfer.source.has_project("A"), "DOCS", {"a.txt": b"a"})
    transfer.dest.fails("PUT", "/data/projects/B/resources", 403, times=99)
    settings = {"scan_retry_count": 1, "verify_after_transfer": False}
    ran = transfer("--config", transfer.config(**settings))
    assert (ran.status, [one["outcome"] for one in ran.of("project")]) == (6, ["failed"])


def described_and_refused(transfer: Transfer, session: str) -> list[bool]:
    """Metadata of a session that the destination refuses, until the list is emptied."""
    fields = {"note": "of the source"}
    transfer.source.store.items.update_experiment(session, fields=fields, user="admin")
    refused = [True]

    def refuse(request: Request) -> Response | None:
        written = request.mimetype == "text/xml" and "/experiments/" in request.path
        return Response("no", 403) if refused and written else None

    transfer.dest.before(refuse)
    return refused


def test_metadata_that_are_refused_are_a_failure_and_are_written_by_the_next_run(
    transfer: Transfer,
) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR")
    refused = described_and_refused(transfer, session.id)
    settings = transfer.config(scan_retry_count=1)
    assert transfer("--config", settings).status != 0
    refused.clear()
    assert transfer("--config", settings).status == 0
    (there,) = transfer.dest.store.items.experiments_of_project("B")
    assert there.fields.get("note") == "of the source"


def test_metadata_that_are_refused_when_they_are_written_anew_are_not_complete(
    transfer: Transfer,
) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR")
    assert transfer().status == 0
    refused = described_and_refused(transfer, session.id)
    anew = transfer.config(scan_retry_count=1, sync_new_only=False)
    assert transfer("--config", anew).status != 0
    refused.clear()
    assert transfer().status == 0
    (there,) = transfer.dest.store.items.experiments_of_project("B")
    assert there.fields.get("note") == "of the source"


def test_what_a_run_that_was_killed_has_made_anew_is_not_taken_for_another_s(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    transfer()
    transfer.dest.call("DELETE", "/data/projects/B/experiments/S1_MR1?removeFiles=true")

    def killed(run: Run, local_id: str, *names: str) -> None:
        if not local_id.startswith("XNAT_E"):
            return
        raise OperationError("state", "killed")

    with monkeypatch.context() as patched:
        patched.setattr(Run, "map", killed)
        assert transfer().status != 0
    ran = transfer()
    assert (ran.status, ran.outcomes & {"failed"}) == (0, set()), ran.err
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")
