"""xnat-edit rename: planned from one listing, changed one by one, repeatable."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from support.answers import Run
from support.edited import labels, puts, subjects
from support.pretending import pretends
from support.sandbox import XNAT


def test_one_subject_by_label_or_id(xnat: XNAT, edit: Run) -> None:
    made = xnat.has_subject("P1", "A")
    answer = edit("rename", "subject", "-P", "P1", "A", "B")
    assert answer.status == 0
    assert answer.records == [
        {
            "kind": "subject",
            "server": xnat.url,
            "uri": f"/data/subjects/{made.id}",
            "id": made.id,
            "label": "B",
            "project": "P1",
            "insert_date": made.inserted,
            "old_label": "A",
            "outcome": "done",
        }
    ]
    assert edit("rename", "subject", "-P", "P1", made.id, "C").status == 0
    assert labels(xnat) == ["C"]


@pytest.mark.parametrize("label", ["a/b", "..", "a?b", "a#b", "a%b", "a b", "ä", "", "x" * 65])
def test_a_label_that_the_server_would_mangle_is_refused(xnat: XNAT, edit: Run, label: str) -> None:
    subjects(xnat, "A")
    assert edit("rename", "subject", "-P", "P1", "A", label).status in (1, 2)
    assert (labels(xnat), puts(xnat)) == (["A"], 0)


def test_a_mapping_tells_what_became_of_each_entry(xnat: XNAT, edit: Run, tmp_path: Path) -> None:
    subjects(xnat, "A", "B", "C", "Y")
    mapping = {"A": "X", "B": "B", "Z": "Q", "C": "not good", "OLD": "Y"}
    (tmp_path / "map.json").write_text(json.dumps(mapping))
    words = ("rename", "subject", "-P", "P1", "--mapping", str(tmp_path / "map.json"))
    dry = edit(*words, "--dry-run")
    assert puts(xnat) == 0
    real = edit(*words)
    expected = {
        "X": ("done", None),
        "B": ("skipped", "same label"),
        "Z": ("failed", "not found"),
        "C": (
            "failed",
            "invalid subject ID 'not good': must contain only alphanumeric characters, "
            "underscores and hyphens",
        ),
        "OLD": ("skipped", "renamed already"),
    }
    assert {r["label"]: (r["outcome"], r.get("reason")) for r in real.records} == expected
    expected["X"] = ("planned", None)
    assert {r["label"]: (r["outcome"], r.get("reason")) for r in dry.records} == expected
    assert (dry.status, real.status) == (1, 1)
    assert labels(xnat) == ["B", "C", "X", "Y"]


def test_500_subjects_take_one_listing_and_two_requests_each(xnat: XNAT, edit: Run) -> None:
    subjects(xnat, *(f"sub-{number:03}" for number in range(500)))
    words = ("rename", "subject", "-P", "P1", "--pattern", r"sub-(\d+)", "--to", "{project}_{1}")
    answer = edit(*words)
    assert (answer.status, set(answer.values("outcome"))) == (0, {"done"})
    assert labels(xnat) == [f"P1_{number:03}" for number in range(500)]
    assert puts(xnat) == 500
    assert len(xnat.requests("GET", "/data/projects/P1/subjects")) == 501
    assert edit(*words).out == ""


def test_a_pattern_matches_the_whole_label(xnat: XNAT, edit: Run) -> None:
    subjects(xnat, "sub-1", "xsub-2", "sub-3x")
    edit("rename", "subject", "-P", "P1", "--pattern", r"sub-(\d)(x)?", "--to", "S{1}{2}")
    assert labels(xnat) == ["S1", "S3x", "xsub-2"]


def test_a_pattern_that_fits_its_own_results_can_be_repeated(xnat: XNAT, edit: Run) -> None:
    subjects(xnat, "1", "2", "NEW_3")
    words = ("rename", "subject", "-P", "P1", "--pattern", "(.*)", "--to", "NEW_{1}")
    first = edit(*words)
    assert [r["reason"] for r in first.records if r["outcome"] == "skipped"] == ["already matches"]
    assert edit(*words).values("outcome") == ["skipped"] * 3
    assert labels(xnat) == ["NEW_1", "NEW_2", "NEW_3"]


def test_several_for_one_label_are_refused_before_the_first_change(xnat: XNAT, edit: Run) -> None:
    subjects(xnat, "A-1", "A-2", "B-1")
    words = ("rename", "subject", "-P", "P1", "--pattern", "(.)-.", "--to", "{1}")
    for more in ("--dry-run", "--yes"):
        answer = edit(*words, more)
        assert answer.values("outcome")[:2] == ["failed", "failed"]
        assert "subject 'A-1': several subjects would become A; --merge merges them" in answer.err
        assert answer.status == 1
    assert labels(xnat) == ["A-1", "A-2", "B"]


def test_a_chain_of_labels_is_followed_from_its_end_and_can_be_repeated(
    xnat: XNAT, edit: Run, tmp_path: Path
) -> None:
    subjects(xnat, "A", "B")
    ids = {subject.label: subject.id for subject in xnat.store.items.subjects_of_project("P1")}
    (tmp_path / "map.json").write_text(json.dumps({"A": "B", "B": "C"}))
    words = ("rename", "subject", "-P", "P1", "--mapping", str(tmp_path / "map.json"), "--yes")
    assert edit(*words).status == 0
    again = edit(*words)
    assert "subject 'B': it may be the former A" in again.err
    now = {subject.id: subject.label for subject in xnat.store.items.subjects_of_project("P1")}
    assert now == {ids["A"]: "B", ids["B"]: "C"}


def test_labels_that_change_places_are_refused(xnat: XNAT, edit: Run, tmp_path: Path) -> None:
    subjects(xnat, "A", "B")
    (tmp_path / "map.json").write_text(json.dumps({"A": "B", "B": "A"}))
    answer = edit("rename", "subject", "-P", "P1", "--mapping", str(tmp_path / "map.json"), "--yes")
    assert answer.values("reason") == ["the labels change places"] * 2
    assert puts(xnat) == 0


def test_a_file_of_patterns_names_the_project_and_the_first_match_counts(
    xnat: XNAT, edit: Run, tmp_path: Path
) -> None:
    subjects(xnat, "a1", "b2", "c3")
    rules: list[dict[str, str]] = [
        {"project": "P1", "match": r"a(\d)", "to": "A{1}", "description": "first"},
        {"project": "P1", "match": r"[ab](\d)", "to": "AB{1}"},
    ]
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({"patterns": rules}))
    assert edit("rename", "subject", "--patterns-file", str(file)).status == 0
    assert labels(xnat) == ["A1", "AB2", "c3"]
    file.write_text(json.dumps({"patterns": [*rules, {"project": "P2", "match": "c", "to": "d"}]}))
    answer = edit("rename", "subject", "--patterns-file", str(file))
    assert answer.status == 2
    assert "the patterns are for several projects (P1, P2): -P PROJECT" in answer.err
    assert edit("rename", "subject", "-P", "P1", "--patterns-file", str(file)).out == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "exactly one is needed of OLD NEW, --mapping FILE"),
        (("--pattern", "a"), "--pattern and --to go together"),
        (("--to", "a"), "exactly one is needed"),
        (("A", "B", "--to", "C"), "--pattern and --to go together"),
        (("A",), "what is the new label?"),
        (("A", "B", "--pattern", "x", "--to", "y"), "exactly one is needed"),
        (("--pattern", "(", "--to", "y"), "Invalid regex '('"),
        (("--pattern", "(.)", "--to", "{2}"), "the pattern has no group 2"),
        (("--mapping", "no-such-file"), "no-such-file: No such file or directory"),
    ],
)
def test_what_is_asked_must_be_clear(
    xnat: XNAT, edit: Run, words: tuple[str, ...], message: str
) -> None:
    subjects(xnat, "A")
    answer = edit("rename", "subject", "-P", "P1", *words)
    assert answer.status in (1, 2)
    assert message in answer.err
    assert (answer.out == "" or "failure" in answer.out, puts(xnat)) == (True, 0)


def test_only_what_records_name_is_renamed(xnat: XNAT, edit: Run) -> None:
    subjects(xnat, "s1", "s2", "s3")
    records = [
        {"kind": "subject", "server": xnat.url, "project": "P1", "label": label, "group": "x"}
        for label in ("s1", "s2")
    ]
    words = ("rename", "subject", "-", "--pattern", r"s(\d)", "--to", "T{1}")
    answer = edit(*words, records=[*records, {**records[0], "outcome": "planned"}])
    assert sorted(answer.values("label", "group", "outcome")) == [
        ("T1", "x", "done"),
        ("T2", "x", "done"),
        ("s1", "x", "planned"),
    ]
    assert labels(xnat) == ["T1", "T2", "s3"]


def test_a_rename_that_did_not_happen_is_a_failure(xnat: XNAT, edit: Run) -> None:
    subjects(xnat, "A")
    xnat.before(pretends("PUT"))
    answer = edit("rename", "subject", "-P", "P1", "A", "B")
    assert (answer.status, answer.values("outcome")) == (1, ["failed"])
    assert "subject 'A' is still labelled 'A'" in answer.err


def test_a_rename_that_outlives_the_proxy_is_polled_and_not_repeated(xnat: XNAT, edit: Run) -> None:
    made = xnat.has_subject("P1", "A")
    seen: list[str] = []

    def hook(request: Request) -> Response | None:
        if request.path != f"/data/projects/P1/subjects/{made.id}":
            return None
        seen.append(request.method)
        if request.method == "PUT":
            return Response("", 504)
        if len(seen) == 4:
            xnat.store.rename_subject(made, "B", "admin")
        return None

    xnat.before(hook)
    answer = edit("rename", "subject", "-P", "P1", "A", "B")
    assert (answer.status, seen) == (0, ["PUT", "GET", "GET", "GET"])


def test_a_subject_that_is_only_shared_is_not_renamed(xnat: XNAT, edit: Run) -> None:
    made = xnat.has_subject("P1", "A")
    xnat.has_project("P2")
    xnat.store.items.share(made.id, "P2", None)
    for more in ("--dry-run", "--yes"):
        answer = edit("rename", "subject", "-P", "P2", "A", "B", more)
        assert (answer.status, puts(xnat)) == (2, 0)
        assert "belongs to project P1 and is only shared into P2" in answer.err


def test_sessions_are_renamed_and_never_merged(xnat: XNAT, edit: Run) -> None:
    for label in ("scan1", "scan2", "MR2"):
        xnat.has_session("P1", "S1", label)
    words = ("rename", "session", "-P", "P1", "--pattern", r"scan(\d)", "--to", "MR{1}")
    assert edit(*words, "--dry-run").values("outcome") == ["failed", "planned"]
    answer = edit(*words)
    assert answer.values("label", "outcome") == [("scan2", "failed"), ("MR1", "done")]
    assert "session 'scan2': MR2 exists already" in answer.err
    assert answer.status == 1


def test_a_session_that_is_only_shared_is_not_renamed(xnat: XNAT, edit: Run) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    xnat.has_project("P2")
    xnat.store.items.share(session.id, "P2", None)
    for more in (["--dry-run"], []):
        answer = edit("rename", "session", "-P", "P2", "MR1", "MR2", *more)
        assert (answer.status, puts(xnat)) == (2, 0)
