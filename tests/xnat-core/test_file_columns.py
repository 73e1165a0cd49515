"""Listings of files that have fewer columns, or write them in another way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.imports import archived_files
from xnat_core.services.homes import Home
from xnat_core.services.lookup import find_session
from xnat_core.services.resource_files import files_of

COLUMNS = ("collection", "cat_ID", "file_tags", "file_format", "file_content")


@pytest.fixture
def client(xnat: XNAT) -> Iterator[XNATClient]:
    with XNATClient(xnat.url, *xnat.admin) as connected:
        yield connected


@pytest.fixture
def session(xnat: XNAT) -> str:
    resources = {"NOTES": {"n.txt": b"no"}}
    return xnat.has_session("P1", "S1", "E1", {"1": {"a.dcm": b"abc"}}, resources=resources).id


def changes(xnat: XNAT, column: str, value: Any = None) -> None:
    """A column of each file that is listed is another one; None takes it away."""

    def change(request: Request, response: Response) -> None:
        if request.method == "GET" and request.path.endswith("/files"):
            document = json.loads(response.data)
            for row in document["ResultSet"]["Result"]:
                row.pop(column)
                if value is not None:
                    row[column] = value
            response.data = json.dumps(document)

    xnat.app.after(change)


def test_the_resource_of_a_file_is_told_by_its_number_where_its_label_is_missing(
    xnat: XNAT, client: XNATClient, session: str
) -> None:
    for column in COLUMNS:
        changes(xnat, column)
    (held,) = archived_files(client, session)
    assert (held.scan, held.name, held.size) == ("1", "a.dcm", 3)
    home = Home.of_session(find_session(client, session))
    found = {(file.scan_id, file.resource, file.path) for file in files_of(client, home)}
    assert found == {("1", "DICOM", "a.dcm"), (None, "NOTES", "n.txt")}
    assert len(xnat.requests("GET", f"/data/experiments/{session}/resources")) == 2


@pytest.mark.parametrize("size", ["3.0", 3.0, 3, " 3 "])
def test_a_size_may_be_a_number_and_have_decimals(
    size: object, xnat: XNAT, client: XNATClient, session: str
) -> None:
    changes(xnat, "Size", size)
    (held,) = archived_files(client, session)
    assert held.size == 3
