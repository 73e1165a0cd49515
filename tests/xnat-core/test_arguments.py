"""What a program passes by mistake is told before anything is sent, in errors of this project."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.errors import (
    ArgumentError,
    ConfigurationError,
    InvalidIdentifierError,
    InvalidURLError,
    PathValidationError,
    ValidationError,
    XNATCtlError,
)
from xnat_core.models import UploadSummary
from xnat_core.services.projects import ProjectService
from xnat_core.services.resources import ResourceService
from xnat_core.services.scans import ScanService
from xnat_core.services.sessions import SessionService
from xnat_core.services.subjects import SubjectService
from xnat_core.user_paths import expanded
from xnat_core.validation import (
    validate_ae_title,
    validate_project_list,
    validate_regex_pattern,
    validate_scan_ids_input,
    validate_server_url,
)

Asks = Callable[[XNATClient], object]

REQUESTS: dict[str, Asks] = {
    "no path": lambda c: c.get(None),  # type: ignore[arg-type]
    "a path of the disk": lambda c: c.get(Path("/data")),  # type: ignore[arg-type]
    "rows of no path": lambda c: c.rows(3),  # type: ignore[arg-type]
    "a query as text": lambda c: c.get("/data/projects", params="columns=ID"),  # type: ignore[arg-type]
    "texts as pairs": lambda c: c.get("/data/projects", params=["ab"]),  # type: ignore[list-item]
    "one text as a pair": lambda c: c.get("/data/projects", params=("a", "b")),  # type: ignore[arg-type]
    "rows by texts": lambda c: c.rows("/data/projects", params=["ab"]),  # type: ignore[list-item]
    "a number as a key": lambda c: c.get("/data/projects", params={1: 2}),  # type: ignore[dict-item]
    "bytes in a query": lambda c: c.get("/data/projects", params={"a": b"x"}),
    "a mapping in a query": lambda c: c.get("/data/projects", params={"a": {"b": 1}}),
    "headers as text": lambda c: c.get("/data/projects", headers="A: b"),  # type: ignore[arg-type]
    "a timeout as text": lambda c: c.get("/data/projects", timeout="5"),  # type: ignore[arg-type]
    "a timeout of nothing": lambda c: c.get("/data/projects", timeout=0),
    "a negative timeout": lambda c: c.delete("/data/projects/P1", timeout=-1),
    "a timeout of no number": lambda c: c.delete("/data/projects/P1", timeout=math.nan),
    "a negative idle time": lambda c: c.delete("/data/projects/P1", idle=-1),
    "one status": lambda c: c.delete("/data/projects/P1", accept=404),  # type: ignore[arg-type]
    "no JSON": lambda c: c.put("/data/projects/P1", json={1, 2}),
    "a number as data": lambda c: c.put("/data/projects/P1", data=5),
    "bytes as a body": lambda c: c.put("/data/projects/P1", body=b"x"),  # type: ignore[arg-type]
    "two bodies": lambda c: c.put("/data/projects/P1", data=b"x", json={}),
    "pages of nothing": lambda c: list(c.paginate("/data/projects", page_size=0)),
}


@pytest.mark.parametrize("ask", REQUESTS.values(), ids=REQUESTS)
def test_a_request_that_cannot_be_is_not_made(xnat: XNAT, ask: Asks) -> None:
    with XNATClient(xnat.url, *xnat.admin) as client, pytest.raises(XNATCtlError):
        ask(client)
    assert not xnat.requests()


@pytest.mark.parametrize(
    "setting",
    [
        {"timeout": math.inf},
        {"timeout": 1e12},
        {"max_retries": 1.5},
        {"pool_size": 1.5},
        {"max_connections": 1.5},
        {"username": 3},
        {"password": b"geheim"},
        {"password": 471112},
        {"session_token": b"geheim"},
        {"ca_bundle": 3},
        {"reason": 3},
    ],
)
def test_a_setting_of_another_kind_is_told_at_once(setting: dict[str, Any]) -> None:
    (name,) = setting
    with pytest.raises(ConfigurationError, match=f"^{name} must be ") as caught:
        XNATClient("https://xnat.example.org", **setting)
    assert not {"geheim", "471112"} & set(str(caught.value).replace("'", " ").split())
    if name in ("password", "session_token"):
        assert caught.value.value is None


def test_numbers_of_other_libraries_are_numbers() -> None:
    # What numpy calls an int64 is no `int`, but a number to Python all the same.
    client = XNATClient("https://xnat.example.org", timeout=Fraction(5, 2), pool_size=True + 1)  # type: ignore[arg-type]
    assert client.timeout == 2.5
    with pytest.raises(ConfigurationError):
        XNATClient("https://xnat.example.org", timeout=Decimal(3))  # type: ignore[arg-type]


@pytest.mark.parametrize("url", [12, b"http://a", Path("http://a"), ["http://a"]])
def test_a_url_is_a_text(url: Any) -> None:
    with pytest.raises(InvalidURLError, match="must be text, not"):
        XNATClient(url)


@pytest.mark.parametrize(
    "url",
    [
        "alice:geheim@xnat.example.org",
        " alice:geheim@xnat.example.org",
        "ftp://alice:geheim@xnat.example.org/",
        "://alice:geheim@xnat.example.org",
        "http://alice:geheim@",
        "http://alice:geheim@xnat.example.org:port/",
        "http://alice:geheim@xnat.example.org:99999/",
        "http://alice:ge@heim@xnat.example.org:port",
        "http://alice:geheim@[::1",
    ],
)
def test_an_error_about_a_url_does_not_tell_its_password(url: str) -> None:
    with pytest.raises(InvalidURLError) as caught:
        validate_server_url(url)
    told = f"{caught.value} {caught.value.__dict__} {caught.value.args}"
    assert "geheim" not in told
    assert "heim" not in told
    assert "alice" not in told


def test_a_text_of_nothing_is_not_the_current_directory() -> None:
    with pytest.raises(PathValidationError, match="no path is given"):
        expanded("")


@pytest.mark.parametrize("path", [None, 3, b"/tmp", ["/tmp"]])
def test_what_is_no_path_is_told(path: Any) -> None:
    with pytest.raises(ArgumentError, match="must be a path, not"):
        expanded(path)


@pytest.mark.parametrize("value", [3, b"1,2", ["1", "2"]])
def test_lists_and_titles_are_texts(value: Any) -> None:
    for validate in (validate_scan_ids_input, validate_project_list, validate_ae_title):
        with pytest.raises(InvalidIdentifierError):
            validate(value)
    with pytest.raises(ConfigurationError):
        validate_regex_pattern(3)  # type: ignore[arg-type]


def project(client: XNATClient, **fields: Any) -> object:
    return ProjectService(client).create("P2", **fields)


def field(client: XNATClient, value: Any, name: Any = "note") -> object:
    return SessionService(client).set_field("E1", name, value, "P1")


def note(client: XNATClient, value: Any) -> object:
    return ScanService(client).set_note("E1", "1", value, "P1")


def scans(client: XNATClient, given: Any, **how: Any) -> object:
    return ScanService(client).delete_multiple("E1", given, "P1", **how)


def subject(client: XNATClient, **fields: Any) -> object:
    return SubjectService(client).create("P1", "S2", **fields)


def upload(client: XNATClient, files: Any, **how: Any) -> UploadSummary:
    return ResourceService(client).upload("E1", "NOTES", files, "P1", **how)


CHANGES: dict[str, Asks] = {
    "a list in a field": lambda c: project(c, keywords=["a", "b"]),
    "bytes in a field": lambda c: project(c, name=b"x"),
    "what a table has for nothing": lambda c: project(c, description=math.nan),
    "a year of a table": lambda c: subject(c, yob=math.nan),
    "two genders": lambda c: subject(c, gender=["M", "F"]),
    "two formats": lambda c: ResourceService(c).create("E1", "R", project="P1", format=["a", "b"]),  # type: ignore[arg-type]
    "no type": lambda c: SessionService(c).create("P1", "S1", "E2", xsi_type=""),
    "no value": lambda c: field(c, None),
    "two values": lambda c: field(c, ["a", "b"]),
    "no field": lambda c: field(c, "x", ""),
    "a field that is none": lambda c: field(c, "x", None),
    "no note": lambda c: note(c, None),
    "two notes": lambda c: note(c, ["a", "b"]),
    "no list of scans": lambda c: scans(c, None),
    "a number for a list": lambda c: scans(c, 1),
    "numbers": lambda c: scans(c, [1, 2]),
    "bytes for a list": lambda c: scans(c, b"1"),
    "workers as words": lambda c: scans(c, "*", workers="many"),
    "no workers": lambda c: scans(c, "*", workers=0),
    "no callback": lambda c: scans(c, "*", progress_callback=True),
    "a word for False": lambda c: scans(c, "*", remove_files="no"),
    "force by a word": lambda c: SubjectService(c).delete("S1", "P1", force="false"),  # type: ignore[arg-type]
    "pairs for a mapping": lambda c: SubjectService(c).rename_batch("P1", [("S1", "S3")]),  # type: ignore[arg-type]
    "no pattern": lambda c: SubjectService(c).rename_pattern("P1", None, "x"),  # type: ignore[arg-type]
    "no template": lambda c: SubjectService(c).rename_pattern("P1", "S1", None),  # type: ignore[arg-type]
    "no files": lambda c: upload(c, None),
    "no file among the files": lambda c: upload(c, [None]),
    "bytes for a file": lambda c: upload(c, b"/etc/hostname"),
    # What a profile says of uploads of DICOM.
    "overwrite none": lambda c: upload(c, [__file__], overwrite="none"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_that_cannot_be_meant_is_not_made(xnat: XNAT, change: Asks) -> None:
    xnat.has_session("P1", "S1", "E1", {"1": {"a.dcm": b"a"}, "2": {"b.dcm": b"b"}})
    with XNATClient(xnat.url, *xnat.admin) as client, pytest.raises(XNATCtlError):
        change(client)
    changes = [r for r in xnat.requests() if r.method != "GET" and "JSESSION" not in r.path]
    assert not changes


def test_reading_tells_what_cannot_be(xnat: XNAT) -> None:
    xnat.has_session("P1", "S1", "E1")
    with XNATClient(xnat.url, *xnat.admin) as client:
        asks: list[Callable[[], object]] = [
            lambda: ProjectService(client).list(limit="2"),  # type: ignore[arg-type]
            lambda: ProjectService(client).list(limit=-1),
            lambda: SubjectService(client).list("P1", columns=5),  # type: ignore[arg-type]
            lambda: SubjectService(client).list("P1", columns=b"label"),  # type: ignore[arg-type]
            lambda: SessionService(client).list("P1", modality=["MR"]),  # type: ignore[arg-type]
            lambda: SessionService(client).get(),
            lambda: SessionService(client).get("E1", session="E1"),
        ]
        for ask in asks:
            with pytest.raises(ArgumentError) as caught:
                ask()
            assert isinstance(caught.value, (ValidationError, TypeError))


def test_values_that_are_no_text_are_stored_as_they_read(xnat: XNAT) -> None:
    xnat.has_session("P1", "S1", "E1", {"1": {"a.dcm": b"a"}})
    with XNATClient(xnat.url, *xnat.admin) as client:
        assert field(client, 3)
        assert field(client, True)
        assert SessionService(client).set_field("E1", "note", "", "P1")


def test_one_path_is_not_taken_for_a_list(xnat: XNAT, tmp_path: Path) -> None:
    session = xnat.has_session("P1", "S1", "E1")
    (tmp_path / "a.txt").write_text("a")
    with XNATClient(xnat.url, *xnat.admin) as client:
        assert upload(client, tmp_path / "a.txt").success
    assert xnat.files(session, "NOTES") == {"a.txt": b"a"}


def test_who_would_wait_for_ever_waits_for_a_month(client: XNATClient, xnat: XNAT) -> None:
    xnat.has_project("P1")
    assert client.get("/data/projects/P1", timeout=math.inf, idle=math.inf).status_code == 200
