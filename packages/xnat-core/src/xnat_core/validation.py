"""What a value must look like before anything is done with it.

Strict for what is created, lenient for what is looked up: labels that exist already may hold dots,
spaces, parentheses and letters of any language (`validate_lookup`).
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from xnat_core.errors import (
    ConfigurationError,
    InvalidIdentifierError,
    InvalidPortError,
    InvalidURLError,
    PathValidationError,
)
from xnat_core.presence import exists
from xnat_core.user_paths import expanded

DEFAULT_TIMEOUT = 21600
LONGEST_TIMEOUT = 2592000
DEFAULT_WORKERS = 4
MOST_WORKERS = 100
LONGEST_IDENTIFIER = 64
LONGEST_SCAN_ID = 32
LONGEST_AE_TITLE = 16
ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")

_IDENTIFIER = re.compile(r"[a-zA-Z0-9_-]+")
_AE_TITLE = re.compile(r"[\x20-\x5B\x5D-\x7E]+")
_UNSAFE_IN_LOOKUP = re.compile(r"[/\\?#%\x00-\x1f\x7f]")


# What follows the address of a server in the address bar of a browser. A bare `/app` may be where
# somebody has installed XNAT.
_PAGE = re.compile(
    r"(?<=[^/])/(?:app/(?:template|action|screen)|data/(?:projects|experiments|archive)|xapi)"
    r"(?:[/?#].*)?$"
)

_PERSON = re.compile(r"^(.*?://|\s*)[^/\s]*@")


def validate_server_url(url: str) -> str:
    """The URL without blanks around it, slashes behind it, and the page that a browser showed.

    Raises InvalidURLError.
    """
    if url is not None and not isinstance(url, str):
        raise InvalidURLError(repr(url), f"must be text, not {type(url).__name__}")
    stripped = _PAGE.sub("", (url or "").strip())
    # What is wrong with it may stand behind a password.
    shown = _PERSON.sub(r"\1***@", url) if url else url
    if not stripped:
        raise InvalidURLError(shown, "cannot be empty")
    if "://" not in stripped:
        raise InvalidURLError(shown, "must include scheme (http:// or https://)")
    try:
        parts = urlsplit(stripped)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        said = "its port is no number" if "Port could not" in str(error) else str(error)
        raise InvalidURLError(shown, said) from None
    if parts.scheme.lower() not in ("http", "https"):
        raise InvalidURLError(shown, f"Unsupported scheme {parts.scheme!r}: use http or https")
    if not host:
        raise InvalidURLError(shown, "must include hostname")
    if host.startswith("*") or not all(0 < len(p) < 64 for p in host.rstrip(".").split(".")):
        raise InvalidURLError(shown, f"{host!r} is no name of a host")
    return stripped.rstrip("/")


def validate_url_or_none(url: str | None) -> str | None:
    """As `validate_server_url`; nothing stays nothing."""
    return validate_server_url(url) if url else None


def validate_port(port: int | str | None, allow_none: bool = False) -> int | None:
    """The port as a number. Raises InvalidPortError."""
    if port is None and allow_none:
        return None
    try:
        number = int(port)  # type: ignore[arg-type]  # None lands in the except clause
    except (TypeError, ValueError):
        raise InvalidPortError(port) from None
    if not 1 <= number <= 65535 or isinstance(port, (bool, float)):
        raise InvalidPortError(port)
    return number


def validate_xnat_identifier(
    value: str,
    identifier_type: str = "identifier",
    *,
    allow_empty: bool = False,
    max_length: int = LONGEST_IDENTIFIER,
) -> str:
    """An identifier that is to be created, without blanks around it.

    Raises InvalidIdentifierError.
    """
    stripped = _stripped(value, identifier_type)
    if not stripped and allow_empty:
        return ""
    _check_length(identifier_type, value, stripped, max_length)
    if not _IDENTIFIER.fullmatch(stripped):
        raise InvalidIdentifierError(
            identifier_type,
            value,
            "must contain only alphanumeric characters, underscores and hyphens",
        )
    return stripped


def validate_project_id(value: str) -> str:
    """A project ID to create. Raises InvalidIdentifierError."""
    return validate_xnat_identifier(value, "project ID")


def validate_subject_id(value: str) -> str:
    """A subject label to create. Raises InvalidIdentifierError."""
    return validate_xnat_identifier(value, "subject ID")


def validate_session_id(value: str) -> str:
    """A session label to create. Raises InvalidIdentifierError."""
    return validate_xnat_identifier(value, "session ID")


validate_subject_label = validate_subject_id
validate_session_label = validate_session_id


def validate_scan_id(value: str) -> str:
    """A scan ID to create. Raises InvalidIdentifierError."""
    return validate_xnat_identifier(value, "scan ID", max_length=LONGEST_SCAN_ID)


def validate_resource_label(value: str) -> str:
    """A resource label to create. Raises InvalidIdentifierError."""
    stripped = _stripped(value, "resource label")
    _check_length("resource label", value, stripped, LONGEST_IDENTIFIER)
    if "/" in stripped or "\\" in stripped:
        raise InvalidIdentifierError("resource label", value, "cannot contain path separators")
    return stripped


def label_there(label: str) -> str:
    """The label that the server gives what comes with this one: of letters, digits, `-` and `_`."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", label.strip())


def validate_lookup(value: str, identifier_type: str = "identifier") -> str:
    """The ID or label of something that should exist, exactly as given.

    Refuses only what could change the path of a request or the meaning of a list of identifiers:
    nothing, what is no text, `/ \\ ? # %`, control characters, only dots.

    Raises InvalidIdentifierError.
    """
    if not _stripped(value, identifier_type):
        raise InvalidIdentifierError(identifier_type, value, "cannot be empty")
    if _UNSAFE_IN_LOOKUP.search(value):
        raise InvalidIdentifierError(
            identifier_type, value, "cannot contain / \\ ? # % or control characters"
        )
    if not value.strip("."):
        raise InvalidIdentifierError(identifier_type, value, "cannot be only dots")
    return value


def validate_ae_title(ae_title: str, field_name: str = "AE Title") -> str:
    """A DICOM application entity title. Raises InvalidIdentifierError."""
    stripped = _stripped(ae_title, field_name)
    _check_length(field_name, ae_title, stripped, LONGEST_AE_TITLE)
    if not _AE_TITLE.fullmatch(stripped):
        raise InvalidIdentifierError(
            field_name, ae_title, "must be printable ASCII without backslash"
        )
    return stripped


def validate_path_exists(
    path: str | Path,
    *,
    must_be_file: bool = False,
    must_be_dir: bool = False,
    description: str = "path",
) -> Path:
    """The path with `~` and links resolved. Raises PathValidationError."""
    resolved = expanded(path).resolve()
    if not exists(resolved):
        raise PathValidationError(path, f"{description} does not exist")
    if must_be_file and not resolved.is_file():
        raise PathValidationError(path, f"{description} must be a file")
    if must_be_dir and not resolved.is_dir():
        raise PathValidationError(path, f"{description} must be a directory")
    return resolved


def validate_path_writable(path: str | Path, description: str = "path") -> Path:
    """The resolved path of something that can be made or replaced. Raises PathValidationError."""
    resolved = expanded(path).resolve()
    if not resolved.parent.is_dir():
        raise PathValidationError(path, f"{description}: parent directory does not exist")
    if not os.access(resolved.parent, os.W_OK):
        raise PathValidationError(path, f"{description}: parent directory is not writable")
    return resolved


def validate_archive_path(path: str | Path) -> Path:
    """The resolved path of an existing archive. Raises PathValidationError."""
    resolved = validate_path_exists(path, must_be_file=True, description="archive")
    if not resolved.name.lower().endswith(ARCHIVE_SUFFIXES):
        raise PathValidationError(path, f"archive must end in {', '.join(ARCHIVE_SUFFIXES)}")
    return resolved


def validate_dicom_directory(path: str | Path) -> Path:
    """The resolved path of a readable directory. Raises PathValidationError."""
    resolved = validate_path_exists(path, must_be_dir=True, description="DICOM directory")
    if not os.access(resolved, os.R_OK | os.X_OK):
        raise PathValidationError(path, "DICOM directory is not readable")
    return resolved


def validate_timeout(
    value: int | str | None,
    field_name: str = "timeout",
    *,
    min_value: int = 1,
    max_value: int = LONGEST_TIMEOUT,
    default: int = DEFAULT_TIMEOUT,
) -> int:
    """Seconds; `default` when nothing is given. Raises ConfigurationError."""
    return default if value is None else _whole(value, field_name, min_value, max_value)


def validate_workers(
    value: int | str | None,
    field_name: str = "workers",
    *,
    min_value: int = 1,
    max_value: int = MOST_WORKERS,
    default: int = DEFAULT_WORKERS,
) -> int:
    """How many at once; `default` when nothing is given. Raises ConfigurationError."""
    return default if value is None else _whole(value, field_name, min_value, max_value)


def validate_switch(text: str | None, name: str) -> bool | None:
    """Whether a variable says yes or no; None when it is not set."""
    if not text:
        return None
    word = text.strip().lower()
    if word in ("true", "1", "yes"):
        return True
    if word in ("false", "0", "no"):
        return False
    # A typo must turn neither encryption nor the verification of certificates off.
    raise ConfigurationError(f"{name} must be true or false, not {text!r}", name, text)


def validate_regex_pattern(pattern: str, field_name: str = "pattern") -> str:
    """A regular expression that compiles. Raises ConfigurationError."""
    if not pattern:
        raise ConfigurationError(f"{field_name} cannot be empty", field_name, pattern)
    try:
        re.compile(pattern)
    except (re.error, TypeError) as error:
        raise ConfigurationError(
            f"Invalid regex in {field_name}: {pattern}: {error}", field_name, pattern
        ) from None
    return pattern


def validate_scan_ids_input(scan_input: str) -> list[str] | None:
    """The scan IDs of a comma list; `None` for `*`, which is all of them.

    Raises InvalidIdentifierError.
    """
    if _stripped(scan_input, "scan IDs") == "*":
        return None
    scan_ids = _comma_list(scan_input)
    if not scan_ids:
        raise InvalidIdentifierError("scan IDs", scan_input, "no valid scan IDs")
    return scan_ids


def validate_project_list(projects_input: str) -> list[str]:
    """The project IDs of a comma list. Raises InvalidIdentifierError."""
    projects = _comma_list(_stripped(projects_input, "project IDs"))
    if not projects:
        raise InvalidIdentifierError("project IDs", projects_input, "no valid project IDs")
    return projects


def _stripped(value: object, kind: str) -> str:
    """A text without the blanks around it; None is empty. Raises InvalidIdentifierError."""
    if value is not None and not isinstance(value, str):
        # Spreadsheets make numbers of IDs: `7` may have been `007`.
        raise InvalidIdentifierError(kind, value, f"must be text, not {type(value).__name__}")
    return (value or "").strip()


def _check_length(kind: str, given: str, stripped: str, longest: int) -> None:
    if not stripped:
        raise InvalidIdentifierError(kind, given, "cannot be empty")
    if len(stripped) > longest:
        raise InvalidIdentifierError(kind, given, f"exceeds maximum length of {longest} characters")


def _comma_list(value: str) -> list[str]:
    return [part.strip() for part in (value or "").split(",") if part.strip()]


def _whole(value: int | str, field: str, least: int, most: int) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise ConfigurationError(
            f"{field} must be a valid integer, not {value!r}", field, value
        ) from None
    if isinstance(value, (bool, float)):
        raise ConfigurationError(f"{field} must be a valid integer, not {value!r}", field, value)
    if number < least:
        raise ConfigurationError(f"{field} must be at least {least}, not {number}", field, value)
    if number > most:
        raise ConfigurationError(f"{field} cannot exceed {most}, not {number}", field, value)
    return number
