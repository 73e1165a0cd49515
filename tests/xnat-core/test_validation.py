"""What the user may call things, and what may be looked up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xnat_core import validation as v
from xnat_core.errors import (
    ConfigurationError,
    InvalidIdentifierError,
    InvalidPortError,
    InvalidURLError,
    PathValidationError,
)


def test_a_server_url_loses_blanks_and_trailing_slashes() -> None:
    assert v.validate_server_url("  https://xnat.example.org/base// ") == (
        "https://xnat.example.org/base"
    )


@pytest.mark.parametrize(
    ("pasted", "server"),
    [
        ("http://x/app/template/Index.vm", "http://x"),
        ("http://x/base/app/template/Login.vm?a=b#!", "http://x/base"),
        ("http://x/app/action/DisplayItemAction/search_value/P1", "http://x"),
        ("http://x/data/projects/P1?format=html", "http://x"),
        ("http://x/xapi/", "http://x"),
        ("http://x/app/", "http://x/app"),
        ("http://x/database", "http://x/database"),
    ],
)
def test_a_url_pasted_from_a_browser_loses_the_page(pasted: str, server: str) -> None:
    assert v.validate_server_url(pasted) == server


@pytest.mark.parametrize(
    ("url", "fragment"),
    [
        ("", "cannot be empty"),
        ("   ", "cannot be empty"),
        ("xnat.example.org", "must include scheme"),
        ("ftp://xnat.example.org", "Unsupported scheme"),
        ("https://", "must include hostname"),
        ("https:///path", "must include hostname"),
        ("https://host:port", "port"),
        ("https://xnat..example.org", "'xnat..example.org' is no name of a host"),
        ("https://*", "is no name of a host"),
        ("https://" + "x" * 64 + ".org", "is no name of a host"),
    ],
)
def test_a_server_url_is_refused_with_the_reason(url: str, fragment: str) -> None:
    with pytest.raises(InvalidURLError, match=fragment):
        v.validate_server_url(url)


def test_no_url_is_allowed_where_it_is_optional() -> None:
    assert v.validate_url_or_none(None) is None
    assert v.validate_url_or_none("") is None
    assert v.validate_url_or_none("http://x/") == "http://x"


@pytest.mark.parametrize(
    ("port", "number"), [(1, 1), ("104", 104), (" 8104 ", 8104), (65535, 65535)]
)
def test_a_port_may_be_text(port: int | str, number: int) -> None:
    assert v.validate_port(port) == number


@pytest.mark.parametrize("port", [0, 65536, -1, "x", "", None, True, 10.5])
def test_a_port_outside_the_range_is_refused(port: Any) -> None:
    with pytest.raises(InvalidPortError, match="1 to 65535"):
        v.validate_port(port)


def test_no_port_needs_permission() -> None:
    assert v.validate_port(None, allow_none=True) is None


@pytest.mark.parametrize(
    "validate",
    [
        v.validate_xnat_identifier,
        v.validate_project_id,
        v.validate_subject_id,
        v.validate_session_id,
        v.validate_subject_label,
        v.validate_session_label,
        v.validate_scan_id,
    ],
)
def test_an_identifier_is_stripped_and_kept(validate: Callable[[str], str]) -> None:
    assert validate(" Sub_01-a\n") == "Sub_01-a"


@pytest.mark.parametrize(
    ("value", "fragment"),
    [
        ("", "cannot be empty"),
        (" ", "cannot be empty"),
        ("a b", "alphanumeric"),
        ("a.b", "alphanumeric"),
        ("Jürgen", "alphanumeric"),
        ("a\nb", "alphanumeric"),
        ("../x", "alphanumeric"),
        ("a" * 65, "exceeds maximum length"),
    ],
)
def test_an_identifier_to_create_is_strict(value: str, fragment: str) -> None:
    with pytest.raises(InvalidIdentifierError, match=fragment):
        v.validate_xnat_identifier(value)


def test_the_message_names_the_kind_of_identifier() -> None:
    with pytest.raises(InvalidIdentifierError, match="invalid subject ID 'a b'"):
        v.validate_subject_label("a b")


def test_an_empty_identifier_needs_permission() -> None:
    assert v.validate_xnat_identifier(" ", allow_empty=True) == ""


def test_a_scan_id_has_at_most_32_characters() -> None:
    assert v.validate_scan_id("1" * 32) == "1" * 32
    with pytest.raises(InvalidIdentifierError, match="exceeds maximum length"):
        v.validate_scan_id("1" * 33)


def test_a_resource_label_may_hold_dots_and_blanks() -> None:
    assert v.validate_resource_label(" my data.v2 ") == "my data.v2"


@pytest.mark.parametrize(
    ("value", "fragment"),
    [
        ("", "cannot be empty"),
        ("a/b", "path separators"),
        ("a\\b", "path separators"),
        ("a" * 65, "exceeds maximum length"),
    ],
)
def test_a_resource_label_is_refused_with_the_reason(value: str, fragment: str) -> None:
    with pytest.raises(InvalidIdentifierError, match=fragment):
        v.validate_resource_label(value)


@pytest.mark.parametrize("value", ["S.01", "Müller (2)", "a b", "XNAT_E00001", "..a", "+=&;"])
def test_a_lookup_takes_every_label_that_cannot_change_a_path(value: str) -> None:
    assert v.validate_lookup(value) == value


@pytest.mark.parametrize(
    "value",
    ["", " ", ".", "..", "...", "a/b", "a\\b", "a?b", "a#b", "%2e", "a\nb", "a\x00", "\x7f"],
)
def test_a_lookup_refuses_what_could_change_a_path(value: str) -> None:
    with pytest.raises(InvalidIdentifierError, match="session"):
        v.validate_lookup(value, "session")


def test_an_ae_title_is_stripped() -> None:
    assert v.validate_ae_title(" XNAT SCP ") == "XNAT SCP"


@pytest.mark.parametrize(
    ("title", "fragment"),
    [
        ("", "cannot be empty"),
        ("A" * 17, "exceeds maximum length"),
        ("A\\B", "printable ASCII"),
        ("Ä", "printable ASCII"),
        ("A\tB", "printable ASCII"),
    ],
)
def test_an_ae_title_is_refused_with_the_reason(title: str, fragment: str) -> None:
    with pytest.raises(InvalidIdentifierError, match=fragment):
        v.validate_ae_title(title)


def test_a_path_is_resolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a").touch()
    assert v.validate_path_exists("~/a") == tmp_path.resolve() / "a"


def test_a_path_must_be_what_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(PathValidationError, match="mapping does not exist"):
        v.validate_path_exists(tmp_path / "no", description="mapping")
    with pytest.raises(PathValidationError, match="must be a file"):
        v.validate_path_exists(tmp_path, must_be_file=True)
    with pytest.raises(PathValidationError, match="must be a directory"):
        v.validate_path_exists(tmp_path / "a", must_be_dir=True)


def test_a_path_to_write_needs_its_parent(tmp_path: Path) -> None:
    assert v.validate_path_writable(tmp_path / "new") == tmp_path.resolve() / "new"
    with pytest.raises(PathValidationError, match="parent directory does not exist"):
        v.validate_path_writable(tmp_path / "no" / "new")


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tgz", "A.ZIP"])
def test_an_archive_is_known_by_its_suffix(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert v.validate_archive_path(tmp_path / name).name == name


def test_another_suffix_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "a.gz").touch()
    with pytest.raises(PathValidationError, match=r"\.zip"):
        v.validate_archive_path(tmp_path / "a.gz")


def test_a_dicom_directory_must_be_one(tmp_path: Path) -> None:
    assert v.validate_dicom_directory(tmp_path) == tmp_path.resolve()
    (tmp_path / "a").touch()
    with pytest.raises(PathValidationError, match="must be a directory"):
        v.validate_dicom_directory(tmp_path / "a")


def test_timeout_and_workers_have_defaults() -> None:
    assert v.validate_timeout(None) == 21600
    assert v.validate_workers(None) == 4
    assert v.validate_timeout("30") == 30
    assert v.validate_workers(100) == 100


@pytest.mark.parametrize(
    ("value", "fragment"),
    [(0, "at least 1"), (2592001, "cannot exceed 2592000"), ("x", "valid integer"), (1.5, "valid")],
)
def test_a_timeout_is_refused_with_the_reason(value: Any, fragment: str) -> None:
    with pytest.raises(ConfigurationError, match=fragment):
        v.validate_timeout(value)


@pytest.mark.parametrize(
    ("value", "fragment"),
    [(0, "at least 1"), (101, "cannot exceed 100"), ("", "valid integer"), (True, "valid integer")],
)
def test_workers_are_refused_with_the_reason(value: Any, fragment: str) -> None:
    with pytest.raises(ConfigurationError, match=fragment):
        v.validate_workers(value)


def test_a_pattern_must_compile() -> None:
    assert v.validate_regex_pattern(r"(\d+)") == r"(\d+)"
    with pytest.raises(ConfigurationError, match="Invalid regex"):
        v.validate_regex_pattern("(")
    with pytest.raises(ConfigurationError, match="cannot be empty"):
        v.validate_regex_pattern("")


def test_scan_ids_come_as_a_comma_list_or_a_star() -> None:
    assert v.validate_scan_ids_input(" * ") is None
    assert v.validate_scan_ids_input("1, 2-MR1,,3") == ["1", "2-MR1", "3"]


@pytest.mark.parametrize("value", ["", " ", ",", " , "])
def test_an_empty_list_is_refused(value: str) -> None:
    with pytest.raises(InvalidIdentifierError, match="no valid scan IDs"):
        v.validate_scan_ids_input(value)
    with pytest.raises(InvalidIdentifierError, match="no valid project IDs"):
        v.validate_project_list(value)


def test_projects_come_as_a_comma_list() -> None:
    assert v.validate_project_list("P1, P2,") == ["P1", "P2"]


@pytest.mark.parametrize(
    "check", [v.validate_lookup, v.validate_xnat_identifier, v.validate_resource_label]
)
@pytest.mark.parametrize("value", [7, float("nan"), b"S1"])
def test_an_identifier_that_is_no_text_is_refused(
    check: Callable[[Any], object], value: object
) -> None:
    with pytest.raises(InvalidIdentifierError, match="must be text, not "):
        check(value)
