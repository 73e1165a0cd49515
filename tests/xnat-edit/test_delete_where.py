"""xnat-edit delete of resources and files: those of the record, not their namesakes elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support.answers import Run
from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.services.homes import Home
from xnat_core.services.lookup import find_session
from xnat_core.services.resource_files import files_of
from xnat_core.services.resources import resources_of

if TYPE_CHECKING:
    from conftest import Types

NAMESAKES = ("reconstructions/R1", "assessors/QC1/in")


def furnished(xnat: XNAT) -> str:
    """The route of a session that has a file n.txt in NOTES, as others below it have."""
    session = xnat.has_session("P1", "S1", "MR1")
    where = f"/data/experiments/{session.id}"
    made = ("reconstructions/R1", "assessors/QC1?xsiType=xnat:qcManualAssessorData")
    assert all(xnat.call("PUT", f"{where}/{one}").status_code < 300 for one in made)
    for place in ("", "/assessors/QC1", *(f"/{one}" for one in NAMESAKES)):
        file = f"{where}{place}/resources/NOTES/files/n.txt"
        assert xnat.call("PUT", f"{file}?inbody=true", data=b"n").status_code == 200
    return where


def listed(xnat: XNAT, where: str, what: str) -> list[dict[str, Any]]:
    """Records of all resources or files of the session, as a listing gives them."""
    with XNATClient(xnat.url, *xnat.admin) as client:
        home = Home.of_session(find_session(client, where.rpartition("/")[2]))
        found = resources_of(client, home, everything=True)
        items = found if what == "resource" else files_of(client, home)
        return [item.to_record(xnat.url) for item in items]


def left(xnat: XNAT, where: str) -> list[str]:
    """Where below the session there is still such a file."""
    uris = [row["URI"] for row in xnat.rows(f"{where}/files?all=true")]
    return sorted(uri.removeprefix(where).partition("/resources/")[0] for uri in uris)


@pytest.mark.parametrize("kind", ["resource", "file"])
def test_what_is_of_a_reconstruction_is_deleted_there(xnat: XNAT, edit: Run, kind: str) -> None:
    where = furnished(xnat)
    before = left(xnat, where)
    records = [one for one in listed(xnat, where, kind) if "reconstructions" in one["uri"]]
    assert edit("delete", "--yes", records=records).values("outcome") == ["done"]
    assert left(xnat, where) == [one for one in before if "reconstructions" not in one]


@pytest.mark.parametrize("kind", ["resource", "file"])
def test_input_of_an_assessor_is_not_taken_for_its_output(xnat: XNAT, edit: Run, kind: str) -> None:
    where = furnished(xnat)
    number = xnat.rows(f"{where}/assessors/QC1/in/resources")[0]["xnat_abstractresource_id"]
    records = [
        one
        for one in listed(xnat, where, kind)
        if number in (one.get("id"), one["uri"].partition("/resources/")[2].partition("/")[0])
    ]
    before = left(xnat, where)
    answer = edit("delete", "--yes", records=records)
    assert (answer.status, answer.values("outcome")) == (1, ["failed"])
    assert "not the one of the record" in answer.err or "not in the resource" in answer.err
    assert left(xnat, where) == before


@pytest.mark.parametrize("kind", ["resource", "file"])
def test_what_is_of_a_resource_without_a_label_is_deleted(xnat: XNAT, edit: Run, kind: str) -> None:
    session = xnat.has_session("P1", "S1", "MR1", resources={"": {"n.txt": b"n"}})
    where = f"/data/experiments/{session.id}"
    answer = edit("delete", "--yes", records=listed(xnat, where, kind))
    assert (answer.status, answer.values("outcome")) == (0, ["done"])
    assert left(xnat, where) == []


def test_the_answer_no_is_told_of_each_file(xnat: XNAT, edit: Run, types: Types) -> None:
    session = xnat.has_session("P1", "S1", "MR1", resources={"NOTES": {"a": b"", "ab": b""}})
    files = listed(xnat, f"/data/experiments/{session.id}", "file")
    records = [*files, {**files[0], "path": "no"}]
    types("n")
    answer = edit("delete", records=records)
    assert sorted(answer.values("path", "outcome")) == [(p, "failed") for p in ("a", "ab", "no")]
    assert sorted(xnat.files(session, "NOTES")) == ["a", "ab"]


def test_a_resource_that_was_made_anew_is_not_the_one_of_the_record(xnat: XNAT, edit: Run) -> None:
    where = furnished(xnat)
    records = [one for one in listed(xnat, where, "resource") if one["category"] == "resources"]
    assert edit("delete", "--yes", records=records).status == 0
    file = f"{where}/resources/NOTES/files/n.txt?inbody=true"
    assert xnat.call("PUT", file, data=b"new").status_code == 200
    again = edit("delete", "--yes", records=records)
    assert (again.status, again.values("outcome")) == (1, ["failed"])
    assert "" in left(xnat, where)
