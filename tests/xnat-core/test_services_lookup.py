"""Names of subjects and sessions, and what they are resolved to."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.errors import InvalidIdentifierError, ResourceNotFoundError, ValidationError
from xnat_core.prearchive import Prearchive
from xnat_core.services.lookup import OnlyShared, find_session, find_subject
from xnat_core.services.sessions import SessionService
from xnat_core.services.subjects import SubjectService
from xnat_sandbox.settings import Settings

ODD = ["MR.1", "MR 1", "MR(1)", "Müller_1", "MR+1", "a&b"]


def test_an_accession_id_needs_no_project(xnat: XNAT, client: XNATClient) -> None:
    made = xnat.has_session("P1", "S1", "MR1", date="2024-04-30")
    found = find_session(client, made.id)
    assert found.to_record() == {
        "kind": "session",
        "uri": f"/data/experiments/{made.id}",
        "id": made.id,
        "label": "MR1",
        "project": "P1",
        "subject": "S1",
        "subject_id": made.subject_id,
        "xsi_type": "xnat:mrSessionData",
        "modality": "MR",
        "date": "2024-04-30",
    }


def test_a_project_does_not_hide_an_accession_id_of_another(xnat: XNAT, client: XNATClient) -> None:
    made = xnat.has_session("P1", "S1", "MR1")
    xnat.has_project("P2")
    assert find_session(client, made.id, "P2").project == "P1"


@pytest.mark.parametrize("id", ["000123", "ncanda-7f3a", "E00012"])
def test_ids_may_have_another_form(
    xnat: XNAT, client: XNATClient, monkeypatch: pytest.MonkeyPatch, id: str
) -> None:
    subject = xnat.has_subject("P1", "S1")
    monkeypatch.setattr(xnat.store.items, "new_accession", lambda kind: id)
    made = xnat.has_session("P1", "S1", "MR1")
    assert (made.id, made.subject_id) == (id, subject.id)
    xnat.has_project("P2")
    assert find_session(client, id).project == find_session(client, id, "P1").project == "P1"
    with pytest.raises(ResourceNotFoundError):
        # There it would be a label, of a session that is gone or not there yet.
        find_session(client, id, "P2")


@pytest.mark.parametrize("site", ["NEURO_LAB", "cnda", "Central-2"])
def test_sites_may_be_called_otherwise_than_xnat(
    make_xnat: Callable[[Settings], XNAT], site: str
) -> None:
    xnat = make_xnat(Settings(site_id=site))
    made = xnat.has_session("P1", "S1", "MR1")
    xnat.has_project("P2")
    with XNATClient(xnat.url, *xnat.admin) as client:
        assert find_session(client, made.id, "P2").project == "P1"


def test_a_label_is_found_in_its_project(xnat: XNAT, client: XNATClient) -> None:
    first = xnat.has_session("P1", "S1", "MR1")
    second = xnat.has_session("P2", "S1", "MR1")
    assert find_session(client, "MR1", "P1").id == first.id
    assert find_session(client, "MR1", "P2").id == second.id


def test_an_alias_stands_for_the_project_that_has_it(xnat: XNAT, client: XNATClient) -> None:
    made = xnat.has_session("P1", "S1", "MR1")
    assert xnat.call("PUT", "/data/projects/P1?alias=FIRST").status_code == 200
    xnat.store.items.create_project("P2", aliases=("SECOND",))
    for item in (made.id, str(made.subject_id)):
        xnat.store.items.share(item, "P2", "ALT")
    assert find_session(client, "MR1", "FIRST", own=True).project == "P1"
    assert find_subject(client, "S1", "FIRST").primary_project is None
    seen = find_session(client, "ALT", "SECOND")
    assert (seen.project, seen.label, seen.subject_label) == ("P2", "ALT", "ALT")
    assert find_subject(client, "ALT", "SECOND").primary_project == "P1"
    with pytest.raises(OnlyShared):
        find_session(client, "ALT", "SECOND", own=True)


def test_by_an_alias_and_a_label_older_than_the_rules_it_is_the_same(
    xnat: XNAT, client: XNATClient
) -> None:
    made = xnat.has_session("P1", "S 1", "MR 1")
    assert xnat.call("PUT", "/data/projects/P1?alias=FIRST").status_code == 200
    xnat.store.items.create_project("P2", aliases=("SECOND",))
    for item in (made.id, str(made.subject_id)):
        xnat.store.items.share(item, "P2", "A T")
    subjects = [find_subject(client, *name) for name in (("S 1", "FIRST"), ("A T", "SECOND"))]
    assert [(one.project, one.primary_project) for one in subjects] == [("P1", None), ("P2", "P1")]
    sessions = [find_session(client, *name) for name in (("MR 1", "FIRST"), ("A T", "SECOND"))]
    assert [one.project for one in sessions] == ["P1", "P2"]


@pytest.mark.parametrize("label", ODD)
def test_labels_older_than_the_rules_are_found(xnat: XNAT, client: XNATClient, label: str) -> None:
    made = xnat.has_session("P1", label, label)
    assert find_session(client, label, "P1").id == made.id
    assert find_subject(client, label, "P1").id == made.subject_id


@pytest.mark.parametrize("label", ["", "..", ".", "a/b", "a?b", "a#b", "a%2Fb", "a\\b", "a\nb"])
def test_what_could_change_the_path_is_never_sent(
    xnat: XNAT, client: XNATClient, label: str
) -> None:
    for find in (find_session, find_subject):
        with pytest.raises(InvalidIdentifierError):
            find(client, label, "P1")
    with pytest.raises(InvalidIdentifierError):
        find_session(client, "MR1", label or "..")
    assert xnat.requests() == []


def test_a_label_that_one_project_has_needs_no_project(xnat: XNAT, client: XNATClient) -> None:
    made = xnat.has_session("P1", "S1", "MR1")
    xnat.has_session("P1", "S1", "MR10")
    assert find_session(client, "MR1").id == made.id


def test_a_label_of_several_projects_is_refused(xnat: XNAT, client: XNATClient) -> None:
    xnat.has_session("P1", "S1", "MR1")
    xnat.has_session("P2", "S1", "MR1")
    with pytest.raises(ValidationError, match=r"'MR1' is in several projects \(P1, P2\)"):
        find_session(client, "MR1")


@pytest.mark.parametrize("project", ["P1", None])
def test_an_unknown_name_is_not_found(xnat: XNAT, client: XNATClient, project: str | None) -> None:
    xnat.has_session("P1", "S1", "MR1")
    with pytest.raises(ResourceNotFoundError, match=r"session '(P1/)?MR2' not found"):
        find_session(client, "MR2", project)
    with pytest.raises(ResourceNotFoundError, match=r"subject '(P1/)?S2' not found"):
        find_subject(client, "S2", project)


def test_a_project_that_may_not_be_read_is_told(xnat: XNAT) -> None:
    xnat.has_session("P1", "S1", "MR1")
    with (
        XNATClient(xnat.url, *xnat.has_user("bob")) as client,
        pytest.raises(ResourceNotFoundError, match="project 'P1' not found"),
    ):
        find_session(client, "MR1", "P1")


def test_the_subject_must_be_that_of_the_session(xnat: XNAT, client: XNATClient) -> None:
    made = xnat.has_session("P1", "S1", "MR1")
    xnat.has_subject("P1", "S2")
    assert find_session(client, "MR1", "P1", "S1").id == made.id
    assert find_session(client, "MR1", "P1", str(made.subject_id)).id == made.id
    with pytest.raises(ResourceNotFoundError, match="P1/S2/MR1"):
        find_session(client, "MR1", "P1", "S2")


def test_a_shared_session_has_the_label_of_the_project_asked(
    xnat: XNAT, client: XNATClient
) -> None:
    made = xnat.has_session("P1", "S1", "MR1")
    xnat.has_project("P2")
    SessionService(client).share("MR1", "P2", label="ALT", project="P1")
    for name in ("ALT", made.id):
        found = find_session(client, name, "P2")
        assert (found.id, found.label, found.project) == (made.id, "ALT", "P2")


def test_an_answer_in_the_form_of_a_list_is_understood(xnat: XNAT, client: XNATClient) -> None:
    made = xnat.has_session("P1", "S1", "MR1")
    row = {"ID": made.id, "label": "MR1", "project": "P1", "xsiType": "xnat:mrSessionData"}
    xnat.server.expect_oneshot_request("/data/projects/P1/experiments/MR1").respond_with_json(
        {"ResultSet": {"Result": [row]}}
    )
    assert find_session(client, "MR1", "P1").id == made.id


def test_a_document_of_something_else_is_not_taken(xnat: XNAT, client: XNATClient) -> None:
    made = xnat.has_session("P1", "S1", "MR1")
    xnat.server.expect_oneshot_request("/data/experiments/MR1").respond_with_json(
        {"items": [{"data_fields": {"ID": "other"}, "children": [], "meta": {}}]}
    )
    assert find_session(client, "MR1").id == made.id


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: find_session(client, "MR1", ""),
        lambda client: find_subject(client, "XNAT_S00001", ""),
        lambda client: SessionService(client).list(""),
        lambda client: SessionService(client).list("P1", ""),
        lambda client: SessionService(client).delete("MR1", ""),
        lambda client: SubjectService(client).list(""),
        lambda client: Prearchive(client).entries(""),
    ],
)
def test_an_empty_name_is_not_taken_for_none(
    xnat: XNAT, client: XNATClient, ask: Callable[[XNATClient], object]
) -> None:
    xnat.has_session("P1", "S1", "MR1")
    with pytest.raises(InvalidIdentifierError, match="cannot be empty"):
        ask(client)
    assert find_session(client, "MR1")
