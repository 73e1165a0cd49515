"""Listings: columns, values, filters, paging."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from conftest import MakeXNAT
from support.sandbox import FAST, XNAT

PROJECT = "/data/projects/P1"


@pytest.fixture(autouse=True)
def some_sessions(xnat: XNAT) -> None:
    """Three sessions of two subjects."""
    xnat.has_session("P1", "S1", "MR1", scans={"1": {"a.dcm": b"A"}}, date="2024-04-30")
    xnat.has_session("P1", "S1", "CT1", xsi_type="xnat:ctSessionData", date="2024-05-01")
    xnat.has_session("P1", "S2", "MR2", date="2023-01-01", note="odd, one")


def labels(xnat: XNAT, query: str = "", path: str = f"{PROJECT}/experiments") -> list[str]:
    """The labels that a query lists."""
    return [row["label"] for row in xnat.rows(f"{path}?format=json{query}")]


@pytest.mark.parametrize(
    ("path", "columns"),
    [
        ("/data/projects", "ID secondary_ID name description pi_firstname pi_lastname URI"),
        (f"{PROJECT}/subjects", "ID project label insert_date insert_user URI"),
        (
            f"{PROJECT}/experiments",
            "ID project date xsiType label insert_date xnat:subjectassessordata/id URI",
        ),
        ("/data/experiments", "ID project date xsiType label insert_date URI"),
        (
            "/data/experiments/XNAT_E00001/scans",
            "xnat_imagescandata_id ID type quality xsiType note series_description URI",
        ),
        (
            "/data/experiments/XNAT_E00001/scans/1/resources",
            "xnat_abstractresource_id label element_name category cat_id cat_desc file_count"
            " file_size tags content format",
        ),
        (
            "/data/experiments/XNAT_E00001/scans/1/files",
            "Name Size URI collection file_tags file_format file_content cat_ID digest",
        ),
        (f"{PROJECT}/users", "GROUP_ID displayname login firstname lastname email"),
        ("/data/users", "xdat_user_id login firstname lastname email"),
    ],
)
def test_the_columns_and_their_order(xnat: XNAT, path: str, columns: str) -> None:
    xnat.store.accounts.join("admin", "P1_owner")
    row = xnat.rows(path)[0]
    assert " ".join(row) == columns
    assert all(isinstance(value, str) for value in row.values())


def test_the_list_of_accessible_projects_has_columns_of_its_own(xnat: XNAT) -> None:
    answer = xnat.call("GET", "/data/projects?accessible=true&prearc_code=true").json()["ResultSet"]
    assert (answer["title"], answer["totalRecords"], answer["xdat_user_id"]) == (
        "Projects",
        "1",
        "1",
    )
    assert list(answer["Result"][0]) == [
        *("id", "name", "description", "secondary_id", "pi", "project_invs", "project_access"),
        *("project_access_img", "insert_date", "insert_user", "user_role_1", "last_accessed_1"),
        *("proj_quarantine", "proj_prearchive_code"),
    ]


def test_an_empty_list_is_a_list(xnat: XNAT) -> None:
    answer = xnat.call("GET", "/data/experiments/XNAT_E00002/scans?format=json").json()
    assert answer == {"ResultSet": {"Result": [], "totalRecords": "0"}}


def test_the_files_list_has_links_and_no_total(xnat: XNAT) -> None:
    answer = xnat.call("GET", "/data/experiments/XNAT_E00001/scans/1/files").json()["ResultSet"]
    assert answer["Columns"] == [{"key": "URI", "serverRoot": ""}]
    assert "totalRecords" not in answer
    assert (
        answer["Result"][0]["URI"]
        == "/data/experiments/XNAT_E00001/scans/1/resources/1/files/a.dcm"
    )


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("&label=MR1", ["MR1"]),
        ("&label=MR1,CT1", ["MR1", "CT1"]),
        ("&label=MR*", ["MR1", "MR2"]),
        ("&xsiType=xnat:mrSessionData", ["MR1", "MR2"]),
        ("&xsiType=xnat:imageSessionData", ["MR1", "CT1", "MR2"]),
        ("&date=04/01/2024-04/30/2024", ["MR1"]),
        ("&date=01/01/2023", ["MR2"]),
        ("&xnat:experimentData/note=odd*", ["MR2"]),
        ("&modality=MR", []),
    ],
)
def test_filters(xnat: XNAT, query: str, expected: list[str]) -> None:
    assert labels(xnat, query) == expected


@pytest.mark.parametrize("query", ["date=2024-04-30", "xsiType=xnat:nonsense", "xnat:nonsense/x=1"])
def test_a_bad_filter_is_swallowed_in_a_project_and_fails_elsewhere(xnat: XNAT, query: str) -> None:
    answer = xnat.call("GET", f"{PROJECT}/experiments?{query}")
    assert (answer.status_code, answer.content) == (200, b"")
    assert xnat.call("GET", f"/data/experiments?{query}").status_code == 500


def test_columns_replace_the_defaults_and_unknown_ones_vanish(xnat: XNAT) -> None:
    gender = "xnat:subjectData/demographics%5B@xsi:type=xnat:demographicData%5D/gender"
    columns = f"label,nonsense,subject_label,{gender}"
    xnat.store.items.update_subject("XNAT_S00001", fields={"demographics/gender": "female"})
    row = xnat.rows(f"{PROJECT}/experiments?columns={columns}&label=MR1")[0]
    assert row == {
        "label": "MR1",
        "subject_label": "S1",
        "xnat:subjectdata/demographics[@xsi:type=xnat:demographicdata]/gender": "female",
        "xnat:subjectassessordata/id": "XNAT_E00001",
        "URI": "/data/experiments/XNAT_E00001",
    }


def test_csv_and_xml(xnat: XNAT) -> None:
    query = "columns=label,note&label=MR2"
    csv = xnat.call("GET", f"{PROJECT}/experiments?{query}&format=csv").text
    assert csv == (
        "label,note,xnat:subjectassessordata/id,URI\n"
        'MR2,"odd, one",XNAT_E00003,/data/experiments/XNAT_E00003\n'
    )
    xml = xnat.call("GET", f"{PROJECT}/experiments?{query}&format=xml").text
    assert "<columns><column>label</column><column>note</column>" in xml
    assert "<row><cell>MR2</cell><cell>odd, one</cell>" in xml


def test_paging_cuts_and_leaves_out_the_total(xnat: XNAT) -> None:
    answer = xnat.call("GET", f"{PROJECT}/experiments?limit=2&offset=1").json()["ResultSet"]
    assert [row["label"] for row in answer["Result"]] == ["CT1", "MR2"]
    assert "totalRecords" not in answer
    assert labels(xnat, "&limit=*") == ["MR1", "CT1", "MR2"]
    assert labels(xnat, "&limit=2&sortBy=label") == ["CT1", "MR1"]
    assert labels(xnat, "&offset=3") == []
    assert xnat.call("GET", f"{PROJECT}/experiments?limit=x").status_code == 500


def test_scans_and_old_servers_do_not_page(xnat: XNAT, make_xnat: MakeXNAT) -> None:
    session = xnat.has_session("P1", "S1", "MR1", scans={"2": {}, "3": {}})
    assert len(xnat.rows(f"/data/experiments/{session.id}/scans?limit=1")) == 3
    old = make_xnat(replace(FAST, version="1.8.8"))
    for label in ("MR1", "MR2"):
        old.has_session("P1", "S1", label)
    assert labels(old, "&limit=1&offset=1") == ["MR1", "MR2"]


def test_shared_items_are_listed_under_their_label_there(xnat: XNAT) -> None:
    xnat.has_project("P2")
    xnat.store.items.share("XNAT_S00001", "P2", "OTHER")
    xnat.store.items.share("XNAT_E00001", "P2", "ALT")
    subject = xnat.rows("/data/projects/P2/subjects")[0]
    assert (subject["label"], subject["project"]) == ("OTHER", "P1")
    columns = "columns=project,label,subject_label"
    session = xnat.rows(f"/data/projects/P2/experiments?{columns}")[0]
    assert (session["label"], session["project"]) == ("ALT", "P2")
    assert session["subject_label"] == "OTHER"


def test_a_user_sees_the_projects_that_are_his(xnat: XNAT) -> None:
    bob = xnat.has_user("bob", P2="member")
    xnat.has_session("P2", "S9", "MR9")
    xnat.has_project("SHOWN", accessibility="protected")
    assert [row["ID"] for row in xnat.rows("/data/projects", user=bob)] == ["P2"]
    shown = xnat.rows("/data/projects?accessible=true", user=bob)
    assert [row["id"] for row in shown] == ["P2", "SHOWN"]
    assert [row["label"] for row in xnat.rows("/data/experiments", user=bob)] == ["MR9"]
    # Permissions are looked at after the page was cut.
    assert xnat.rows("/data/experiments?limit=3", user=bob) == []


def test_fields_names_the_aliases(xnat: XNAT) -> None:
    rows = xnat.rows(f"{PROJECT}/subjects?fields=true")
    assert {"key": "gender", "xpath": "gender"} in rows


def test_all_resources_name_their_level(xnat: XNAT) -> None:
    rows = xnat.rows("/data/experiments/XNAT_E00001/resources?all=true")
    shown = [(row["category"], row["cat_id"], row["cat_desc"], row["file_count"]) for row in rows]
    assert shown == [("scans", "1", "T1w", "1")]


def test_counts_are_blank_until_somebody_computes_them(xnat: XNAT) -> None:
    session = xnat.store.items.experiment("XNAT_E00002")
    assert session
    xnat.has_resource(session, "EMPTY")
    path = f"/data/experiments/{session.id}/resources"
    assert xnat.rows(path)[0]["file_count"] == ""
    assert xnat.rows(f"{path}?cache_file_stats=true")[0]["file_count"] == "0"
    assert json.loads(xnat.call("GET", path).text)["ResultSet"]["title"] == "Resources"
