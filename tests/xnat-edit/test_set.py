"""xnat-edit set: sent, read back, compared."""

from __future__ import annotations

import pytest
from werkzeug.wrappers import Request, Response

from support.answers import Run
from support.pretending import pretends
from support.sandbox import XNAT


def puts(xnat: XNAT) -> int:
    return len(xnat.requests("PUT"))


def test_quality_and_note_of_a_scan(xnat: XNAT, edit: Run) -> None:
    session = xnat.has_session("P1", "S1", "MR1", scans={"1": {}})
    words = ("set", "-P", "P1", "-E", "MR1", "--scan", "1", "quality=unusable", "note=a=b & c")
    dry = edit(*words, "--dry-run")
    assert (dry.values("outcome", "quality"), puts(xnat)) == ([("planned", "usable")], 0)
    answer = edit(*words)
    assert answer.values("id", "quality", "note", "set", "outcome") == [
        ("1", "unusable", "a=b & c", {"quality": "unusable", "note": "a=b & c"}, "done")
    ]
    assert [request.path for request in xnat.requests("PUT")] == [
        f"/data/experiments/{session.id}/scans/1"
    ]
    assert edit(*words).values("outcome") == ["skipped"]


def test_a_dry_run_is_dry_to_the_end_of_the_pipeline(xnat: XNAT, edit: Run) -> None:
    session = xnat.has_session("P1", "S1", "MR1", scans={"1": {}, "2": {}})
    records = [{"kind": "scan", "id": n, "session_id": session.id} for n in ("1", "2")]
    edit("set", "-P", "P1", "-E", "MR1", "--scan", "2", "quality=unusable")
    dry = edit("set", "quality=unusable", "--dry-run", records=records)
    assert sorted(dry.values("id", "outcome")) == [("1", "planned"), ("2", "skipped")]
    answer = edit("delete", "--yes", records=dry.records)
    assert sorted(answer.records, key=repr) == sorted(dry.records, key=repr)
    assert {scan.id for scan in xnat.store.items.scans(session.id)} == {"1", "2"}


@pytest.mark.parametrize("parent", [["-P", "P1"], ["-P", "P1", "-S", "S1"]])
def test_a_session_that_was_not_named_is_not_its_parent(
    xnat: XNAT, edit: Run, parent: list[str]
) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    answer = edit("set", "--only", "session", *parent, "note=x")
    assert (answer.status, puts(xnat)) == (2, 0)
    assert "is named where this needs -E for a session" in answer.err
    records = [{"kind": "project", "id": "P1"}, {"kind": "session", "id": session.id}]
    answer = edit("set", "--only", "session", "note=x", records=records)
    assert sorted(answer.values("kind", "outcome")) == [("input", "failed"), ("session", "done")]
    assert edit("set", "--only", "session", "-E", session.id, "note=y").status == 0


def test_records_of_scans_are_set(xnat: XNAT, edit: Run) -> None:
    session = xnat.has_session("P1", "S1", "MR1", scans={"1": {}, "2": {}})
    records = [{"kind": "scan", "id": id, "session_id": session.id, "x": 1} for id in ("1", "2")]
    answer = edit("set", "quality=questionable", records=records)
    assert sorted(answer.values("id", "quality", "x")) == [
        ("1", "questionable", 1),
        ("2", "questionable", 1),
    ]


@pytest.mark.parametrize(
    ("pair", "key", "value"),
    [
        ("note=fine", "note", "fine"),
        ("date=2024-05-02", "date", "2024-05-02"),
        ("date=05/02/2024", "date", "2024-05-02"),
        ("visit_id=v1", "visit_id", "v1"),
        ("xnat:mrSessionData/note=whole path", "note", "whole path"),
        ("fields.rater=mc", "fields", {"rater": "mc"}),
        ("fields/field[name=a=b]/field=7", "fields", {"a=b": "7"}),
        ("xnat:mrSessionData/fields/field[name=x]/field=7", "fields", {"x": "7"}),
    ],
)
def test_fields_of_a_session(xnat: XNAT, edit: Run, pair: str, key: str, value: object) -> None:
    xnat.has_session("P1", "S1", "MR1")
    answer = edit("set", "-P", "P1", "-E", "MR1", pair)
    assert (answer.status, answer.values(key, "outcome")) == (0, [(value, "done")])


@pytest.mark.parametrize(
    ("field", "before", "after"), [("fields.site", "7", "007"), ("visit_id", "1.1", "1.10")]
)
def test_a_text_of_digits_is_not_there_already_as_another_text(
    xnat: XNAT, edit: Run, field: str, before: str, after: str
) -> None:
    xnat.has_session("P1", "S1", "MR1")
    edit("set", "-P", "P1", "-E", "MR1", f"{field}={before}")
    answer = edit("set", "-P", "P1", "-E", "MR1", f"{field}={after}")
    assert answer.values("outcome") == ["done"]
    key, _, name = field.partition(".")
    assert answer.values(key) == [{name: after} if name else after]
    assert edit("set", "-P", "P1", "-E", "MR1", f"{field}={after}").values("outcome") == ["skipped"]


def test_a_number_is_there_however_it_is_written(xnat: XNAT, edit: Run) -> None:
    xnat.has_subject("P1", "S1")
    edit("set", "-P", "P1", "-S", "S1", "weight=70.0")
    assert edit("set", "-P", "P1", "-S", "S1", "weight=70").values("outcome") == ["skipped"]


def test_several_fields_of_a_session_take_one_request(xnat: XNAT, edit: Run) -> None:
    xnat.has_session("P1", "S1", "MR1")
    answer = edit("set", "-P", "P1", "-E", "MR1", "note=a", "pi_lastname=Curie", "fields.x=1")
    assert (answer.status, puts(xnat)) == (0, 1)


def test_a_time_is_there_with_its_fraction_of_a_second(xnat: XNAT, edit: Run) -> None:
    xnat.has_session("P1", "S1", "MR1")

    def hook(request: Request, response: Response) -> None:
        if request.method == "GET" and "json" in (response.content_type or ""):
            response.set_data(response.get_data().replace(b'"10:00:00"', b'"10:00:00.000"'))

    xnat.app.after(hook)
    for outcome in ("done", "skipped"):
        answer = edit("set", "-P", "P1", "-E", "MR1", "time=10:00:00")
        assert (answer.status, answer.values("outcome")) == (0, [outcome])


def test_an_empty_value_clears_a_field(xnat: XNAT, edit: Run) -> None:
    xnat.has_session("P1", "S1", "MR1", note="old")
    assert "note" not in edit("set", "-P", "P1", "-E", "MR1", "note=").records[0]


def test_demographics_of_a_subject(xnat: XNAT, edit: Run) -> None:
    xnat.has_subject("P1", "S1")
    path = "xnat:subjectData/demographics[@xsi:type=xnat:demographicData]/handedness=left"
    answer = edit("set", "-P", "P1", "-S", "S1", "gender=female", "yob=1980", "group=g", path)
    assert answer.values("gender", "yob", "group", "handedness", "outcome") == [
        ("female", 1980, "g", "left", "done")
    ]


def test_a_project_has_fields_and_an_accessibility(xnat: XNAT, edit: Run) -> None:
    xnat.has_project("P1")
    answer = edit("set", "-P", "P1", "description=new", "pi_lastname=Curie", "accessibility=public")
    assert answer.values("description", "pi", "accessibility", "outcome") == [
        ("new", "Curie", "public", "done")
    ]


def test_a_field_is_not_taken_for_one_whose_path_ends_alike(xnat: XNAT, edit: Run) -> None:
    xnat.has_session("P1", "S1", "MR1")
    words = ("set", "-P", "P1", "-E", "MR1")
    for first, second in (("date", "validation_date"), ("validation_date", "date")):
        assert edit(*words, f"{first}=2024-05-02").values("outcome") == ["done"]
        assert edit(*words, f"{second}=2024-05-02").values("outcome") == ["done"]
        for name in (first, second):
            assert edit(*words, f"{name}=2024-05-02").values("outcome") == ["skipped"]
            assert edit(*words, f"{name}=").values("outcome") == ["done"]


def test_an_investigator_is_not_taken_for_the_principal_one(xnat: XNAT, edit: Run) -> None:
    xnat.has_project("P1")
    path = "investigators/investigator[0]/lastname=Curie"
    xnat.call("PUT", f"/data/projects/P1?xnat:projectData/{path}")
    assert edit("set", "-P", "P1", "pi_lastname=Curie").values("outcome") == ["done"]


@pytest.mark.parametrize("kind", ["project", "subject", "session", "scan"])
def test_what_is_not_there_is_not_made(xnat: XNAT, edit: Run, kind: str) -> None:
    xnat.has_session("P1", "S1", "MR1", scans={"1": {}})
    words = {
        "project": ("-P", "P9"),
        "subject": ("-P", "P1", "-S", "S9"),
        "session": ("-P", "P1", "-E", "MR9"),
        "scan": ("-P", "P1", "-E", "MR1", "--scan", "9"),
    }[kind]
    answer = edit("set", *words, "note=x" if kind != "subject" else "group=x")
    assert (answer.status, puts(xnat)) == (5, 0)


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ("nota=x", "a session has no field nota; did you mean note?"),
        ("_lock=true", "a session has no field _lock"),
        ("pullDataFromHeaders=true", "a session has no field pullDataFromHeaders"),
        ("label=MR2", "label cannot be set: 'xnat-edit rename', 'move' and 'share' do that"),
        ("xnat:mrSessionData/label=MR2", "cannot be set"),
        ("xnat:petSessionData/note=x", "is of type xnat:mrSessionData: the server would ignore"),
        ("note", "'note': must be KEY=VALUE"),
        ("=x", "'=x': must be KEY=VALUE"),
        ("a//b=x", "is no path of a field"),
        ("../x=1", "is no path of a field"),
    ],
)
def test_what_the_server_would_ignore_or_obey_is_refused(
    xnat: XNAT, edit: Run, pair: str, message: str
) -> None:
    xnat.has_session("P1", "S1", "MR1")
    answer = edit("set", "-P", "P1", "-E", "MR1", pair)
    assert (answer.status, puts(xnat)) == (2, 0)
    assert message in answer.err


def test_a_mistyped_quality_is_refused_and_a_path_takes_any(xnat: XNAT, edit: Run) -> None:
    xnat.has_session("P1", "S1", "MR1", scans={"1": {}})
    words = ("set", "-P", "P1", "-E", "MR1", "--scan", "1")
    answer = edit(*words, "quality=unuseable")
    assert answer.status == 2
    assert "must be one of usable, questionable, unusable" in answer.err
    assert edit(*words, "xnat:mrScanData/quality=good").values("quality") == ["good"]


@pytest.mark.parametrize("words", [("-E", "MR1"), ("-S", "S1"), ("-E", "MR1", "--scan", "1"), ()])
def test_a_yes_that_changed_nothing_is_a_failure(
    xnat: XNAT, edit: Run, words: tuple[str, ...]
) -> None:
    xnat.has_session("P1", "S1", "MR1", scans={"1": {}})
    xnat.before(pretends("PUT"))
    answer = edit("set", "-P", "P1", *words, "pi_lastname=x" if "--scan" not in words else "note=x")
    assert (answer.status, answer.values("outcome")) == (1, ["failed"])
    assert "the server said yes, but" in answer.err


def test_nobody_may_set_what_the_server_forbids(
    xnat: XNAT, edit: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    xnat.has_session("P1", "S1", "MR1")
    login, password = xnat.has_user("bob", P1="collaborator")
    monkeypatch.setenv("XNAT_USER", login)
    monkeypatch.setenv("XNAT_PASS", password)
    assert edit("set", "-P", "P1", "-E", "MR1", "note=x").status == 6


@pytest.mark.parametrize("kind", ["subject", "session", "scan"])
def test_what_is_deleted_meanwhile_is_not_set_in_one_that_the_server_makes_for_it(
    xnat: XNAT, edit: Run, kind: str
) -> None:
    session = xnat.has_session("P1", "S1", "MR1", scans={"1": {}})
    words = {"subject": ["-S", "S1"], "session": ["-E", "MR1"], "scan": ["-E", "MR1", "--scan=1"]}
    items, left = xnat.store.items, [True]

    def delete(request: Request) -> None:
        if request.method == "PUT" and left:
            left.clear()
            if kind == "subject":
                items.delete_subject(str(session.subject_id))
            elif kind == "session":
                items.delete_experiment(session.id)
            else:
                items.delete_scan(items.scans(session.id)[0].number)

    xnat.before(delete)
    field = "group=controls" if kind == "subject" else "note=x"
    answer = edit("set", "-P", "P1", *words[kind], field)
    assert (answer.status, answer.values("outcome")) == (1, ["failed"])
    assert "has been deleted meanwhile, and the server made an empty one instead" in answer.err
    # A scan may have been deleted to be imported anew.
    assert "): delete that, unless it holds something\n" in answer.err
