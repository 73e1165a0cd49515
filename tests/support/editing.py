"""Changes of what is on a server, as scenarios of the fault matrix; see `support.scenarios`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from support.scenarios import Case, Record, Scenario, contents
from xnat_sandbox.model import Experiment

Furnished = tuple[list[str], list[Record]]


def edit(*words: str) -> Callable[[Case], Furnished]:
    """`xnat-edit`, in a project with a subject of two sessions and one of one session."""

    def furnish(case: Case) -> Furnished:
        case.xnat.has_session(case.project, "S1", "E1", contents(case))
        case.xnat.has_session(case.project, "S1", "E2", {"9": {"x.dcm": b"x"}})
        case.xnat.has_session(case.project, "S2", "E3", {"1": {"y.dcm": b"y"}})
        return [*words, "-P", case.project], []

    return furnish


def session(case: Case, label: str) -> Experiment:
    """A session of the project."""
    found = case.xnat.store.items.experiment_in(case.project, label)
    assert found is not None, label
    return found


def tree(case: Case) -> dict[str, dict[str, set[str]]]:
    """Subjects, their sessions, and the scans of those."""
    items = case.xnat.store.items
    return {
        subject.label: {
            one.label: {scan.id for scan in items.scans(one.id)}
            for one in items.experiments_of_subject(subject.id)
        }
        for subject in items.subjects_of_project(case.project)
    }


BEFORE = {"S1": {"E1": {"1", "2"}, "E2": {"9"}}, "S2": {"E3": {"1"}}}


def has(**changed: dict[str, set[str]] | None) -> Callable[[Case], bool]:
    """Whether the project is as it was but for these subjects; None for one that is gone."""
    wanted = {**BEFORE, **changed}
    return lambda case: (
        tree(case) == {label: one for label, one in wanted.items() if one is not None}
    )


def is_set(case: Case) -> bool:
    """Whether a note and a custom variable are there, on that session alone."""
    fields = [session(case, label).fields for label in ("E1", "E2", "E3")]
    told = [(one.get("note"), custom(one)) for one in fields]
    return told == [("moved a lot", "mc"), (None, None), (None, None)]


def custom(fields: Mapping[str, object]) -> object:
    """The custom variable `rater`."""
    return next((value for key, value in fields.items() if "rater" in key), None)


def has_resource(case: Case) -> bool:
    """Whether the session has the new resource, and has it once."""
    uri = f"/data/experiments/{session(case, 'E1').id}/resources?format=json"
    labels = [row["label"] for row in case.xnat.rows(uri)]
    return labels == ["NOTES"] and tree(case) == BEFORE


def share(case: Case) -> Furnished:
    """`xnat-edit share` with another project."""
    furnished = edit("share", f"{case.project}_OPEN", "-E", "E1", "--with-subject")(case)
    case.xnat.has_project(f"{case.project}_OPEN")
    return furnished


def is_shared(case: Case) -> bool:
    """Whether the other project lists that session alone, and its subject."""
    other = f"/data/projects/{case.project}_OPEN"
    seen = [
        sorted(row["label"] for row in case.xnat.rows(f"{other}/{kind}?format=json"))
        for kind in ("experiments", "subjects")
    ]
    return seen == [["E1"], ["S1"]] and tree(case) == BEFORE


def delete_records(case: Case) -> Furnished:
    """`xnat-edit delete` of a scan that a record names."""
    edit()(case)
    found = session(case, "E1")
    uri = f"/data/experiments/{found.id}/scans/2"
    return ["delete", "--yes"], case.record(
        "scan", id="2", uri=uri, session="E1", session_id=found.id
    )


GONE = 5

EDITING = {
    "create subject": Scenario(
        "xnat_edit", edit("create", "subject", "S9", "--gender", "female"), has(S9={}), again=1
    ),
    "create session": Scenario(
        "xnat_edit",
        edit("create", "session", "E9", "-S", "S2"),
        has(S2={"E3": {"1"}, "E9": set()}),
        again=1,
    ),
    "create resource": Scenario(
        "xnat_edit", edit("create", "resource", "NOTES", "-E", "E1"), has_resource, again=1
    ),
    "rename subject": Scenario(
        "xnat_edit", edit("rename", "subject", "S2", "S3"), has(S2=None, S3=BEFORE["S2"])
    ),
    "rename session": Scenario(
        "xnat_edit",
        edit("rename", "session", "E1", "E4"),
        has(S1={"E4": {"1", "2"}, "E2": {"9"}}),
    ),
    "merge subject": Scenario(
        "xnat_edit",
        edit("merge", "subject", "S1", "S2", "--yes"),
        has(S1=None, S2={"E1": {"1", "2"}, "E2": {"9"}, "E3": {"1"}}),
        again=GONE,
    ),
    "move": Scenario(
        "xnat_edit",
        edit("move", "S2", "-E", "E1"),
        has(S1={"E2": {"9"}}, S2={"E1": {"1", "2"}, "E3": {"1"}}),
    ),
    "share": Scenario("xnat_edit", share, is_shared),
    "set": Scenario(
        "xnat_edit", edit("set", "-E", "E1", "note=moved a lot", "fields.rater=mc"), is_set
    ),
    "delete scans": Scenario(
        "xnat_edit",
        edit("delete", "scans", "-E", "E1", "-s", "2", "--yes"),
        has(S1={"E1": {"1"}, "E2": {"9"}}),
        again=GONE,
    ),
    "delete session": Scenario(
        "xnat_edit",
        edit("delete", "session", "E1", "--yes"),
        has(S1={"E2": {"9"}}),
        again=GONE,
    ),
    "delete records": Scenario(
        "xnat_edit", delete_records, has(S1={"E1": {"1"}, "E2": {"9"}}), again=GONE
    ),
    "delete subject": Scenario(
        "xnat_edit", edit("delete", "subject", "S2", "--yes", "--force"), has(S2=None), again=GONE
    ),
}
