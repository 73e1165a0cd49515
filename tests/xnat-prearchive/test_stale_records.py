"""Records of rows that are gone, beside an archived session of the same study."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from werkzeug.wrappers import Request, Response

from support.sandbox import XNAT

if TYPE_CHECKING:
    from conftest import Records, Run, Stage


@pytest.fixture
def waiting(run: Run, stage: Stage, xnat: XNAT) -> Records:
    """The session was archived long ago; more of the same study waits, and was listed."""
    run("archive", *stage())
    xnat.store.database.execute("UPDATE workflow SET launch_time='2024-05-02 10:00:00.0'")
    stage()
    return run("list")[1]


@pytest.mark.parametrize("command", ["archive", "wait"])
def test_what_was_deleted_is_not_taken_for_archived(
    run: Run, waiting: Records, command: str
) -> None:
    run("delete", "--yes", records=waiting)
    status, records, err = run(command, records=waiting)
    assert (status, [record["outcome"] for record in records]) == (5, ["failed"])
    assert f"{waiting[0]['id']!r} not found; session E1 is older and has nothing of it" in err


@pytest.mark.parametrize("command", ["archive", "wait"])
def test_words_that_were_typed_tell_by_their_timestamp_when_it_came(
    run: Run, waiting: Records, command: str
) -> None:
    run("delete", "--yes", records=waiting)
    words = [waiting[0][key] for key in ("project", "timestamp", "name")]
    status, records, err = run(command, *words)
    assert (status, [record["outcome"] for record in records]) == (5, ["failed"])
    assert "not found; session E1 is older and has nothing of it" in err


@pytest.mark.parametrize(("command", "outcome"), [("archive", "skipped"), ("wait", "done")])
def test_what_was_merged_is_archived(
    run: Run, waiting: Records, command: str, outcome: str
) -> None:
    assert run("archive", "--overwrite", records=waiting)[0] == 0
    status, records, err = run(command, records=waiting)
    assert (status, [record["outcome"] for record in records]) == (0, [outcome]), err
    assert (records[0]["kind"], records[0]["label"]) == ("session", "E1")


@pytest.mark.parametrize(
    "answer",
    [Response("", 403), Response('{"events":[]}'), Response('{"events":[{"event_date":5}]}')],
)
def test_without_a_history_the_session_is_taken_for_it(
    run: Run, waiting: Records, xnat: XNAT, answer: Response
) -> None:
    def hook(request: Request) -> Response | None:
        return answer if request.path.endswith("/history") else None

    run("delete", "--yes", records=waiting)
    xnat.before(hook)
    status, records, _ = run("archive", records=waiting)
    assert (status, records[0]["outcome"]) == (0, "skipped")


@pytest.mark.parametrize("command", ["archive", "wait"])
def test_a_history_that_cannot_be_asked_for_is_not_taken_for_none(
    run: Run, waiting: Records, xnat: XNAT, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    def hook(request: Request) -> Response | None:
        return Response("", 503) if request.path.endswith("/history") else None

    monkeypatch.setattr("xnat_core.http.retries.FIRST_PAUSE", 0)
    run("delete", "--yes", records=waiting)
    xnat.before(hook)
    status, records, _ = run(command, records=waiting)
    assert (status, records[0]["outcome"]) == (4, "failed")


def test_a_page_is_not_taken_for_a_server_without_a_history(
    run: Run, waiting: Records, xnat: XNAT
) -> None:
    page = "<html><body>Down for maintenance</body></html>"

    def hook(request: Request) -> Response | None:
        return Response(page, 200) if request.path.endswith("/history") else None

    run("delete", "--yes", records=waiting)
    xnat.before(hook)
    status, records, _ = run("archive", records=waiting)
    assert (status != 0, records[0]["outcome"]) == (True, "failed")
