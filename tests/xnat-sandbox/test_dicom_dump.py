"""Reading DICOM headers without downloading the objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from support.imports import members, send_zip, uris
from support.sandbox import FAST, XNAT
from xnat_sandbox import samples

MakeXNAT = Callable[..., XNAT]


@pytest.fixture
def xnat(make_xnat: MakeXNAT, tmp_path: Path) -> XNAT:
    """A server with one archived session in P1."""
    server = make_xnat(replace(FAST, rebuild_idle=600))
    server.has_project("P1")
    send_zip(server, members(samples.write_series(tmp_path / "s")), dest="/archive/projects/P1")
    return server


def dump(xnat: XNAT, **query: Any) -> requests.Response:
    url = xnat.url + "/data/services/dicomdump"
    return requests.get(url, params={"format": "json", **query}, auth=xnat.admin, timeout=30)


SCAN = "/archive/projects/P1/experiments/SUB001_MR1/scans/1"


def test_the_header_is_a_table(xnat: XNAT) -> None:
    rows = dump(xnat, src=SCAN).json()["ResultSet"]["Result"]
    assert list(rows[0]) == ["tag1", "tag2", "vr", "value", "desc"]
    assert {"(0010,0010)", "(0020,000D)"} <= {row["tag1"] for row in rows}


def test_fields_are_chosen_by_keyword_or_number(xnat: XNAT) -> None:
    rows = dump(xnat, src=SCAN, field=["PatientName", "00080060"]).json()["ResultSet"]["Result"]
    assert [row["value"] for row in rows] == ["MR", "SUB001"]


def test_staged_data_can_be_looked_into(xnat: XNAT, tmp_path: Path) -> None:
    series = members(samples.write_series(tmp_path / "t", patient="SUB009"))
    (uri,) = uris(send_zip(xnat, series, project="P1"))
    rows = dump(xnat, src=uri, field="PatientName").json()["ResultSet"]["Result"]
    assert [row["value"] for row in rows] == ["SUB009"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 400),
        ({"src": "/nonsense"}, 400),
        ({"src": SCAN, "field": "NoSuchKeyword"}, 400),
        ({"src": SCAN + "00"}, 404),
        ({"src": "/prearchive/projects/P1/T/X"}, 404),
    ],
)
def test_what_cannot_be_shown_is_refused(xnat: XNAT, query: dict[str, str], status: int) -> None:
    assert dump(xnat, **query).status_code == status
