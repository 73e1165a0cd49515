"""Sessions: listed whole, made, edited and read back, shared, removed."""

from __future__ import annotations

import pytest

from support.pretending import pretends
from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.errors import (
    ClientRequestError,
    OperationError,
    ResourceExistsError,
    ResourceNotFoundError,
    ValidationError,
)
from xnat_core.services.sessions import SessionService


@pytest.fixture
def sessions(client: XNATClient) -> SessionService:
    return SessionService(client)


def test_sessions_of_a_project_and_of_the_server(xnat: XNAT, sessions: SessionService) -> None:
    xnat.has_session("P1", "S1", "MR1", date="2024-04-30")
    xnat.has_session("P2", "S2", "MR2")
    found = sessions.list("P1")
    assert [(s.label, s.subject_label, s.session_date) for s in found] == [
        ("MR1", "S1", "2024-04-30")
    ]
    everything = [(s.project, s.label, s.subject_label) for s in sessions.list()]
    assert everything == [("P1", "MR1", "S1"), ("P2", "MR2", "S2")]
    assert sessions.list("P1", limit=0) == []


def test_sessions_of_a_subject(xnat: XNAT, sessions: SessionService) -> None:
    one = xnat.has_session("P1", "S1", "MR1")
    xnat.has_session("P1", "S10", "MR2")
    for name in ("S1", str(one.subject_id)):
        assert [session.label for session in sessions.list("P1", subject=name)] == ["MR1"]
    with pytest.raises(ResourceNotFoundError, match="subject 'P1/S2' not found"):
        sessions.list("P1", subject="S2")
    with pytest.raises(ValidationError, match="a subject needs its project"):
        sessions.list(subject="S1")


@pytest.mark.parametrize(
    ("modality", "labels"),
    [
        ("MR", ["MR1"]),
        ("mr", ["MR1"]),
        ("PET", ["PET1"]),
        ("pt", ["PET1"]),
        ("CT", []),
        ("ot", ["X1"]),
    ],
)
def test_sessions_are_filtered_by_the_modality_of_their_type(
    xnat: XNAT, sessions: SessionService, modality: str, labels: list[str]
) -> None:
    xnat.has_session("P1", "S1", "MR1")
    xnat.has_session("P1", "S1", "PET1", xsi_type="xnat:petSessionData")
    xnat.has_session("P1", "S1", "X1", xsi_type="xnat:otherDicomSessionData")
    assert [session.label for session in sessions.list("P1", modality=modality)] == labels


@pytest.mark.parametrize("columns", [["label"], ("ID", "label"), "label"])
def test_sessions_are_listed_with_the_columns_asked_for(
    xnat: XNAT, sessions: SessionService, columns: list[str] | str
) -> None:
    made = xnat.has_session("P1", "S1", "MR1", date="2024-04-30")
    for project in ("P1", None):
        found = sessions.list(project, modality="MR", columns=columns)
        assert [(s.id, s.label, s.session_date) for s in found] == [(made.id, "MR1", None)]


def test_five_thousand_sessions_are_listed_by_one_request(
    xnat: XNAT, sessions: SessionService
) -> None:
    rows = [
        {"ID": f"XNAT_E{n:05}", "label": f"MR{n}", "project": "P1", "xsiType": "xnat:mrSessionData"}
        for n in range(5000)
    ]
    xnat.server.expect_request("/data/projects/P1/experiments").respond_with_json(
        {"ResultSet": {"Result": rows}}
    )
    assert len({session.id for session in sessions.list("P1")}) == 5000
    asked = xnat.requests("GET", "/data/projects/P1/experiments")
    assert len(asked) == 1
    assert "limit" not in asked[0].args


def test_rows_may_lack_ids_and_dates(xnat: XNAT, sessions: SessionService) -> None:
    rows = [
        {"URI": "/data/experiments/XNAT_E1", "label": "A", "date": "2024-01-02 00:00:00.0"},
        {"ID": "XNAT_E2", "label": "B", "date": "", "xsiType": "", "extra": None},
    ]
    xnat.server.expect_request("/data/projects/P1/experiments").respond_with_json(
        {"ResultSet": {"Result": rows, "totalRecords": "2"}}
    )
    found = [(s.id, s.session_date, s.modality) for s in sessions.list("P1")]
    assert found == [("XNAT_E1", "2024-01-02", None), ("XNAT_E2", None, None)]


def test_a_document_in_place_of_a_list_is_an_error_and_not_an_empty_list(
    xnat: XNAT, sessions: SessionService
) -> None:
    xnat.server.expect_request("/data/projects/P1/experiments").respond_with_json(
        {"items": [{"data_fields": {"ID": "P1"}, "children": [], "meta": {}}]}
    )
    with pytest.raises(ClientRequestError, match="an item instead of a list"):
        sessions.list("P1")


def test_a_project_that_is_missing_or_may_not_be_read(xnat: XNAT, sessions: SessionService) -> None:
    xnat.has_session("P1", "S1", "MR1")
    with pytest.raises(ResourceNotFoundError, match="project 'P9' not found"):
        sessions.list("P9")
    with (
        XNATClient(xnat.url, *xnat.has_user("bob")) as client,
        pytest.raises(ResourceNotFoundError, match="project 'P1' not found"),
    ):
        SessionService(client).list("P1")


def test_a_session_is_made(xnat: XNAT, sessions: SessionService) -> None:
    xnat.has_subject("P1", "S1")
    made = sessions.create("P1", "S1", "PET1", date="2024-04-30", visit_id="v1", modality="PET")
    assert (made.label, made.xsi_type, made.session_date, made.subject_label) == (
        "PET1",
        "xnat:petSessionData",
        "2024-04-30",
        "S1",
    )
    assert sessions.create("P1", "S1", "MR1").xsi_type == "xnat:mrSessionData"


def test_a_session_of_a_mistyped_subject_is_not_made(xnat: XNAT, sessions: SessionService) -> None:
    xnat.has_session("P1", "S1", "MR1")
    with pytest.raises(ResourceNotFoundError, match="P1/S2"):
        sessions.create("P1", "S2", "MR2")
    with pytest.raises(ResourceExistsError, match="P1/MR1"):
        sessions.create("P1", "S1", "MR1")
    with pytest.raises(ValidationError, match="one of MR, PET, CT, EEG"):
        sessions.create("P1", "S1", "MR2", modality="XX")
    assert xnat.requests("PUT") == []


def test_a_session_is_deleted(xnat: XNAT, sessions: SessionService) -> None:
    made = xnat.has_session("P1", "S1", "MR1")
    assert sessions.delete("MR1", "P1", remove_files=True)
    assert xnat.store.items.experiment(made.id) is None


def test_deleting_where_it_is_shared_ends_the_sharing(xnat: XNAT, sessions: SessionService) -> None:
    made = xnat.has_session("P1", "S1", "MR1")
    xnat.has_project("P2")
    sessions.share("MR1", "P2", label="ALT", project="P1")
    assert sessions.delete("ALT", "P2")
    assert sessions.list("P2") == []
    assert xnat.store.items.experiment(made.id) is not None


def test_a_delete_that_did_not_happen_is_an_error(xnat: XNAT, sessions: SessionService) -> None:
    xnat.has_session("P1", "S1", "MR1")
    xnat.before(pretends("DELETE"))
    with pytest.raises(OperationError, match="session 'MR1' is still there"):
        sessions.delete("MR1", "P1")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("note", "it's <fine> & 100%"),
        ("xnat:mrSessionData/note", "x"),
        ("date", "2024-04-30"),
        ("date", "04/30/2024"),
        ("fields/field[name=score]/field", "7"),
        ("note", ""),
    ],
)
def test_a_field_is_set_and_read_back(
    xnat: XNAT, sessions: SessionService, field: str, value: str
) -> None:
    xnat.has_session("P1", "S1", "MR1")
    assert sessions.set_field("MR1", field, value, "P1")


def test_a_field_that_was_not_stored_is_an_error(xnat: XNAT, sessions: SessionService) -> None:
    xnat.has_session("P1", "S1", "MR1", note="old")
    with pytest.raises(OperationError, match="note is 'old', not 'new'"):
        sessions.set_field("MR1", "xnat:petSessionData/note", "new", "P1")
    with pytest.raises(ValidationError, match="rename or move"):
        sessions.set_field("MR1", "label", "MR2", "P1")


def test_a_session_is_renamed(xnat: XNAT, sessions: SessionService) -> None:
    made = xnat.has_session("P1", "S1", "MR1")
    xnat.has_session("P1", "S1", "MR2")
    assert sessions.rename("MR1", "MR3", "P1").id == made.id
    with pytest.raises(ResourceExistsError, match="P1/MR2"):
        sessions.rename("MR3", "MR2", "P1")


def test_a_session_is_shared(xnat: XNAT, sessions: SessionService) -> None:
    made = xnat.has_session("P1", "S1", "MR1")
    xnat.has_project("P2")
    assert sessions.share(made.id, "P2", label="ALT")
    listed = sessions.list("P2")[0]
    assert (listed.id, listed.label, listed.project) == (made.id, "ALT", "P2")
    # Shared already is what was asked for.
    assert sessions.share(made.id, "P2", label="ALT")


def test_a_label_that_is_taken_in_the_target_is_told(xnat: XNAT, sessions: SessionService) -> None:
    xnat.has_session("P1", "S1", "MR1")
    xnat.has_session("P2", "S1", "MR1")
    with pytest.raises(ResourceExistsError, match="session 'P2/MR1' already exists"):
        sessions.share("MR1", "P2", project="P1")


def test_what_is_shared_already_with_another_label_is_told(
    xnat: XNAT, sessions: SessionService
) -> None:
    made = xnat.has_session("P1", "S1", "MR1")
    xnat.has_project("P2")
    xnat.store.items.share(made.id, "P2", "ALT")
    with pytest.raises(ResourceExistsError, match=r"session 'P2/NEW' .*Already assigned") as told:
        sessions.share("MR1", "P2", label="NEW", project="P1")
    assert told.value.details["status_code"] == 409


def test_sharing_with_an_unknown_project_is_told(xnat: XNAT, sessions: SessionService) -> None:
    xnat.has_session("P1", "S1", "MR1")
    with pytest.raises(ResourceNotFoundError, match="project 'P9' not found"):
        sessions.share("MR1", "P9", project="P1")


def test_a_session_is_moved_to_another_project(xnat: XNAT, sessions: SessionService) -> None:
    made = xnat.has_session("P1", "S1", "MR1")
    xnat.has_project("P2")
    assert sessions.share("MR1", "P2", primary=True, project="P1")
    moved = xnat.store.items.experiment(made.id)
    assert moved is not None
    assert moved.project == "P2"


@pytest.mark.parametrize("label", ["MR1", "MR 1"])
def test_a_session_is_not_moved_to_where_another_has_its_label(
    xnat: XNAT, sessions: SessionService, label: str
) -> None:
    xnat.has_session("P1", "S1", label)
    xnat.has_session("P2", "S2", label)
    with pytest.raises(ResourceExistsError, match=f"P2/{label}"):
        sessions.share(label, "P2", primary=True, project="P1")
    assert [session.project for session in sessions.list("P1")] == ["P1"]
    assert xnat.requests("PUT") == []


def test_the_label_that_a_session_brings_along_is_that_of_its_own_project(
    xnat: XNAT, sessions: SessionService
) -> None:
    made = xnat.has_session("P1", "S1", "MR1")
    xnat.has_session("P3", "S3", "MR1")
    xnat.has_project("P2")
    xnat.store.items.share(made.id, "P2", "ALT")
    with pytest.raises(ResourceExistsError, match="P3/MR1"):
        sessions.share("ALT", "P3", primary=True, project="P2")
    assert xnat.requests("PUT") == []


def test_a_session_that_was_found_where_it_is_shared_is_moved_from_its_own_project(
    xnat: XNAT, sessions: SessionService
) -> None:
    made = xnat.has_session("P1", "S1", "MR1")
    xnat.has_project("P2")
    xnat.has_project("P3")
    xnat.store.items.share(made.id, "P2", "ALT")
    assert sessions.share("ALT", "P3", primary=True, project="P2")
    assert [one.path.split("/")[3] for one in xnat.requests("PUT")] == ["P1"]


def test_a_session_is_shared_into_a_project_by_its_alias(
    xnat: XNAT, sessions: SessionService
) -> None:
    made = xnat.has_session("P1", "S1", "MR1")
    xnat.store.items.create_project("P2", aliases=("SECOND",))
    assert sessions.share(made.id, "SECOND", label="ALT")
    assert xnat.store.items.experiment_in("P2", "ALT")
    assert sessions.share(made.id, "SECOND", primary=True)
    assert sessions.get(made.id).project == "P2"


def test_a_share_that_did_not_happen_is_an_error(xnat: XNAT, sessions: SessionService) -> None:
    xnat.has_session("P1", "S1", "MR1")
    xnat.has_project("P2")
    xnat.before(pretends("PUT"))
    with pytest.raises(OperationError, match="did not come to project 'P2'"):
        sessions.share("MR1", "P2", project="P1")


def test_a_share_whose_answer_is_lost_is_looked_at(xnat: XNAT, sessions: SessionService) -> None:
    xnat.has_session("P1", "S1", "MR1")
    xnat.has_project("P2")
    xnat.cuts("PUT", "/data/projects/P1", 0)
    assert sessions.share("MR1", "P2", project="P1")
    assert [session.label for session in sessions.list("P2")] == ["MR1"]


def test_rows_are_those_of_the_server(xnat: XNAT, sessions: SessionService) -> None:
    xnat.has_session("P1", "S1", "MR1", scans={"1": {}}, resources={"NOTES": {"a.txt": b"a"}})
    assert [row["ID"] for row in sessions.get_scans("MR1", "P1")] == ["1"]
    assert [row["label"] for row in sessions.get_resources("MR1", "P1")] == ["NOTES"]
