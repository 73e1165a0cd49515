"""xnat-ls subjects."""

from __future__ import annotations

import pytest
from werkzeug.wrappers import Request, Response

from support.answers import Run
from support.sandbox import XNAT


def test_subjects_are_listed_with_the_number_of_their_sessions(xnat: XNAT, ls: Run) -> None:
    made = xnat.has_session("P1", "S1", "MR1")
    for number in range(3):
        xnat.has_session("P1", "S10", f"A{number}")
    xnat.has_subject("P1", "S2")
    answer = ls("subjects", "-P", "P1")
    assert answer.values("label", "session_count") == [("S1", 1), ("S2", 0), ("S10", 3)]
    first = answer.records[0]
    del first["insert_date"]
    assert first == {
        "kind": "subject",
        "server": xnat.url,
        "uri": f"/data/subjects/{made.subject_id}",
        "id": made.subject_id,
        "label": "S1",
        "project": "P1",
        "session_count": 1,
    }


def test_the_counts_cost_one_request(xnat: XNAT, ls: Run) -> None:
    for number in range(20):
        xnat.has_session("P1", f"S{number}", f"A{number}")
    assert len(ls("subjects", "-P", "P1").records) == 20
    assert len(xnat.requests("GET", "/data/projects/P1")) == 2


def test_quiet_prints_labels(xnat: XNAT, ls: Run) -> None:
    xnat.has_subject("P1", "S1")
    assert ls("subjects", "-P", "P1", "-q").out == "S1\n"


def test_a_table_has_id_label_and_sessions(xnat: XNAT, ls: Run) -> None:
    made = xnat.has_subject("P1", "S1")
    assert ls("subjects", "-P", "P1", "-o", "table").out == (
        f"ID           Label  Session Count\n{made.id}  S1     0\n"
    )


def test_long_tells_the_first_ten_sessions(xnat: XNAT, ls: Run) -> None:
    for number in range(1, 13):
        xnat.has_session("P1", "S1", f"MR{number}")
    for words in (("S1",), ()):
        answer = ls("subjects", "-P", "P1", "--long", *words)
        record = answer.records[0]
        assert record["session_count"] == 12
        assert record["sessions"] == [f"MR{number}" for number in range(1, 11)]
        assert record["sessions_truncated"] is True


def test_a_project_is_needed(ls: Run) -> None:
    answer = ls("subjects")
    assert (answer.status, answer.out) == (2, "")
    assert "-P PROJECT, or default_project in the profile" in answer.err


def test_an_unknown_project_is_told(ls: Run) -> None:
    answer = ls("subjects", "-P", "P9")
    assert answer.status == 5
    assert answer.err.startswith("xnat-ls: project 'P9' not found\n")


def test_a_missing_subject_does_not_stop_the_rest(xnat: XNAT, ls: Run) -> None:
    xnat.has_subject("P1", "Müller (2)")
    answer = ls("subjects", "-P", "P1", "S9", "Müller (2)")
    assert answer.status == 5
    assert answer.values("label", "outcome") == [("S9", "failed"), ("Müller (2)", None)]


def test_a_label_without_its_project_is_told_as_that(xnat: XNAT, ls: Run) -> None:
    xnat.has_subject("P1", "S1")
    assert "subject 'S1' not found; a label needs its project (-P)" in ls("subjects", "S1").err
    assert "subject 'XNAT_S99999' not found\n" in ls("subjects", "XNAT_S99999").err


def test_records_of_projects_give_their_subjects(xnat: XNAT, ls: Run) -> None:
    xnat.has_session("P1", "S1", "MR1")
    one = xnat.has_subject("P2", "S2")
    answer = ls(
        "subjects",
        "-",
        records=[
            {"kind": "project", "id": "P1"},
            {"kind": "project", "id": "P9"},
            {"kind": "subject", "id": one.id, "project": "P2"},
        ],
    )
    assert answer.status == 5
    assert answer.values("kind", "label", "session_count", "outcome") == [
        ("subject", "S1", 1, None),
        ("project", None, None, "failed"),
        ("subject", "S2", 0, None),
    ]


def test_an_alias_of_their_project_does_not_make_subjects_those_of_another(
    xnat: XNAT, ls: Run
) -> None:
    xnat.has_subject("P7", "OWN")
    guest = xnat.has_subject("P8", "GUEST")
    xnat.store.items.share(guest.id, "P7")
    assert xnat.call("PUT", "/data/projects/P7?alias=SEVEN").status_code == 200
    for name in ("P7", "SEVEN"):
        found = ls("subjects", "-P", name).values("label", "primary_project")
        assert found == [("GUEST", "P8"), ("OWN", None)]


def test_sessions_are_not_counted_where_the_server_does_not_say_whose_they_are(
    xnat: XNAT, ls: Run
) -> None:
    xnat.has_session("P1", "S1", "MR1")

    def tells_less(request: Request, response: Response) -> None:
        if request.path.endswith("/experiments"):
            response.data = response.get_data().replace(b'"subject_ID"', b'"other"')

    xnat.app.after(tells_less)
    answer = ls("subjects", "-P", "P1")
    assert "session_count" not in answer.records[0]


def test_sessions_are_counted_however_the_server_spells_the_column(xnat: XNAT, ls: Run) -> None:
    xnat.has_session("P1", "S1", "MR1")

    def spells_small(request: Request, response: Response) -> None:
        if request.path.endswith("/experiments"):
            response.data = response.get_data().replace(b'"subject_ID"', b'"subject_id"')

    xnat.app.after(spells_small)
    assert ls("subjects", "-P", "P1").values("label", "session_count") == [("S1", 1)]


@pytest.mark.parametrize("status", [403, 500])
@pytest.mark.parametrize("words", [("-P", "P1"), ("-P", "P1", "S1")])
def test_subjects_are_listed_where_their_sessions_are_refused(
    xnat: XNAT, ls: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], status: int
) -> None:
    monkeypatch.setattr("xnat_core.http.retries.FIRST_PAUSE", 0)
    xnat.has_session("P1", "S1", "MR1")
    refused = Response("", status)
    xnat.before(lambda request: refused if request.path.endswith("/experiments") else None)
    answer = ls("subjects", *words)
    assert (answer.status, answer.values("label")) == (0, ["S1"])
    assert "session_count" not in answer.records[0]
