"""Who changed what: by the search where there is one, else by the histories."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest
from werkzeug.wrappers import Request, Response

from support.answers import Run
from support.sandbox import XNAT
from xnat_admin.events import Wanted, newest, since
from xnat_core.client import XNATClient
from xnat_core.errors import ValidationError
from xnat_core.models import Event


@pytest.fixture
def busy(xnat: XNAT) -> str:
    """Alice and bob at work in P1, and bob in P2; returns the ID of a session."""
    session = xnat.has_session("P1", "S1", "MR1")
    xnat.has_session("P2", "S1", "MR2")
    alice, bob = xnat.has_user("alice", P1="owner"), xnat.has_user("bob", P1="owner", P2="owner")
    scoped = f"/data/projects/P1/subjects/{session.subject_id}"
    with XNATClient(xnat.url, *alice) as client:
        client.put(f"{scoped}/experiments/MR1", params={"xsiType": "xnat:mrSessionData", "note": 1})
    with XNATClient(xnat.url, *bob) as client:
        client.put(f"{scoped}", params={"gender": "male"})
        client.delete("/data/projects/P2/experiments/MR2")
    return session.id


def no_search(xnat: XNAT, status: int = 400) -> None:
    xnat.fails("POST", "/data/search", status, times=99)


def test_the_whole_server_the_newest_first(xnat: XNAT, admin: Run, busy: str) -> None:
    answer = admin("audit")
    assert answer.values("user", "action", "project") == [
        ("bob", "Removed Experiment", "P2"),
        ("bob", "Modified Subject", "P1"),
        ("alice", "Modified Experiment", "P1"),
    ]
    assert answer.records[2]["resource"] == busy
    assert answer.records[2]["kind"] == "event"


def test_a_server_that_does_not_let_itself_be_searched_is_no_empty_answer(
    xnat: XNAT, admin: Run, busy: str
) -> None:
    for status in (400, 403, 404, 500):
        no_search(xnat, status)
        answer = admin("audit")
        assert answer.status == 1
        assert "XNAT has no audit of the whole server" in answer.err
        assert "name a project (-P) or a session (-E)" in answer.err


@pytest.mark.parametrize("searched", [True, False])
def test_a_project_by_either_way(xnat: XNAT, admin: Run, busy: str, searched: bool) -> None:
    if not searched:
        no_search(xnat)
    answer = admin("audit", "-P", "P1")
    assert answer.values("user", "action") == [
        ("bob", "Modified Subject"),
        ("alice", "Modified Experiment"),
    ]
    assert answer.status == 0


def test_a_search_that_ignores_its_project_tells_of_no_other(
    xnat: XNAT, admin: Run, busy: str
) -> None:
    admin("audit")
    (asked,) = xnat.requests("POST", "/data/search")
    everything = xnat.call("POST", "/data/search?format=json", data=xnat.body(asked))
    assert {row["externalid"] for row in everything.json()["ResultSet"]["Result"]} == {"P1", "P2"}
    answer = Response(everything.content, mimetype="application/json")
    xnat.before(lambda request: answer if request.path == "/data/search" else None)
    assert set(admin("audit", "-P", "P1").values("project")) == {"P1"}


@pytest.mark.parametrize(
    ("words", "users"),
    [
        (("--user", "alice"), ["alice"]),
        (("-u", "BOB"), ["bob"]),
        (("--action", "experiment"), ["alice"]),
        (("--since", "1d"), ["bob", "alice"]),
        (("--since", "2999-01-01"), []),
        (("--limit", "1"), ["bob"]),
        (("--limit", "0"), []),
    ],
)
@pytest.mark.parametrize("searched", [True, False])
def test_filters_hold_here(
    xnat: XNAT, admin: Run, busy: str, words: tuple[str, ...], users: list[str], searched: bool
) -> None:
    if not searched:
        no_search(xnat)
    assert admin("audit", "-P", "P1", *words).values("user") == users


def test_the_history_of_a_session(xnat: XNAT, admin: Run, busy: str) -> None:
    for words in (("-E", busy), ("-P", "P1", "-E", "MR1")):
        answer = admin("audit", *words)
        assert answer.values("user", "action", "label") == [("alice", "Modified Experiment", "MR1")]
        assert answer.records[0]["timestamp"].endswith("+00:00")


def test_histories_of_records(xnat: XNAT, admin: Run, busy: str) -> None:
    records = [
        {"kind": "session", "id": busy},
        {"kind": "session", "id": "XNAT_E99999"},
        {"kind": "project", "id": "P1"},
    ]
    answer = admin("audit", "-", records=records)
    assert answer.values("outcome", "user") == [("failed", None), (None, "alice")]
    assert answer.status == 5


def test_an_item_that_cannot_be_read_does_not_hide_the_others(
    xnat: XNAT, admin: Run, busy: str
) -> None:
    no_search(xnat)
    xnat.fails("GET", f"/data/experiments/{busy}/history", 403, times=9)
    answer = admin("audit", "-P", "P1")
    assert sorted(answer.values("kind")) == ["event", "session"]
    assert answer.status == 6


def test_an_unknown_project_is_no_empty_audit(xnat: XNAT, admin: Run, busy: str) -> None:
    assert admin("audit", "-P", "NOPE").status == 5


def test_login_and_filter_are_not_mixed_up(xnat: XNAT, admin: Run, busy: str) -> None:
    assert admin("-u", "admin", "audit", "-P", "P1", "-u", "alice").values("user") == ["alice"]


def test_ages_and_dates() -> None:
    now = datetime(2024, 5, 10, tzinfo=timezone.utc)
    assert since("7d", now) == now - timedelta(days=7)
    assert since("12h", now) == now - timedelta(hours=12)
    assert since("2024-05-02").date().isoformat() == "2024-05-02"
    for text in ("", "yesterday", "7", "-7d", "2024-13-01", "9999999d", "99999999999d"):
        with pytest.raises(ValidationError, match="must be an age"):
            since(text)


def test_events_of_one_second_come_in_the_order_of_their_numbers() -> None:
    moment = "2024-05-02 10:00:00"
    events = [Event(id=number, timestamp=moment) for number in ("9", "11", "10")]
    assert [event.id for event in newest(events, Wanted(), None)] == ["11", "10", "9"]


@pytest.mark.parametrize(
    "odd", ["0000-00-00 00:00:00", "0001-01-01 00:00:00", "2024-05-02 25:00:00"]
)
def test_a_time_that_is_none_does_not_hide_the_other_events(odd: str) -> None:
    events = [Event(id="1", timestamp=odd), Event(id="2", timestamp="2024-05-02 10:00:00")]
    assert [event.id for event in newest(events, Wanted(), None)] == ["2", "1"]
    assert [event.id for event in newest(events, Wanted(since=since("2024-01-01")), None)] == ["2"]


def test_a_date_beyond_the_calendar_is_told_as_it_is(xnat: XNAT, admin: Run, busy: str) -> None:
    def postpone(request: Request, response: Response) -> None:
        if request.path.endswith("/history"):
            history = json.loads(response.get_data())
            history["events"][0]["event_date"] = 10**18
            response.set_data(json.dumps(history))

    xnat.app.after(postpone)
    answer = admin("audit", "-E", busy)
    assert answer.status == 0, answer.err
    assert str(10**18) in {record["timestamp"] for record in answer.records}
