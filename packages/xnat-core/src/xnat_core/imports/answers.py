"""What the import service answers: where data went, and what a refusal means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from xnat_core.errors import OperationError, UploadError
from xnat_core.redaction import one_line
from xnat_core.urls import local_path

if TYPE_CHECKING:
    from xnat_core.models import PrearchiveEntry

DIRECT, PREARCHIVE, ARCHIVE = "direct", "prearchive", "archive"

# The server is busy with this very session; a little later it will take the same data.
_TRANSIENT = re.compile(
    r"(?i)concurrent file sends|session processing in progress|concurrent modification"
    r"|duplicate archive attempt|destination session in use|session document locked"
    r"|already in progress"
)
# Sending the same again cannot help.
_PERMANENT = re.compile(
    r"(?i)already exists|retry with overwrite|unsupported format|invalid destination"
    r"|identify upload format|unknown (?:project|subject|label)|different study"
    r"|no parsable|missing sop|cannot be combined|content-length"
)
_OBJECT = re.compile(r"(?i)unable to read dicom object\s+([^\s:]+)")


class Kind(Enum):
    """Whether sending the same again makes sense."""

    TRANSIENT = "transient"
    """It does."""
    UNCLEAR = "unclear"
    """A 400 stands for any trouble of the server, too: once or twice."""
    PERMANENT = "permanent"
    """It does not."""


class ImportRefused(UploadError):
    """The server refuses a request with status 400; `name` is the file that it blames, if any."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the server refuses: {reason}")
        self.reason = reason
        blamed = _OBJECT.search(reason)
        self.name = blamed[1].rpartition("/")[2] if blamed else None

    @property
    def kind(self) -> Kind:
        """What the reason makes of it."""
        if _TRANSIENT.search(self.reason):
            return Kind.TRANSIENT
        return Kind.PERMANENT if _PERMANENT.search(self.reason) else Kind.UNCLEAR


@dataclass(frozen=True, slots=True)
class Landing:
    """Where the data of one study went.

    `area` is `direct` (on its way into the archive), `prearchive` or `archive`. `study` is known
    for the first, as the server filed it; `timestamp` and the folder `name` for the second;
    `subject` for the third.
    """

    area: str
    uri: str
    project: str
    name: str
    study: str = ""
    timestamp: str = ""
    subject: str = ""

    def entry(self) -> PrearchiveEntry:
        """The row of the prearchive; only for those that landed there."""
        from xnat_core.prearchive_rows import entry_of_uri

        return entry_of_uri(self.uri)


_AREAS = (
    (DIRECT, re.compile(r"/xapi/direct-archive/(?P<project>[^/]+)/(?P<study>[^/]+)/(?P<name>.+)")),
    (
        PREARCHIVE,
        re.compile(
            r"/data/prearchive/projects/(?P<project>[^/]+)/(?P<timestamp>[^/]+)/(?P<name>.+)"
        ),
    ),
    (
        ARCHIVE,
        re.compile(
            r"/data(?:/archive)?/projects/(?P<project>[^/]+)"
            r"/subjects/(?P<subject>[^/]+)/experiments/(?P<name>.+)"
        ),
    ),
)


def landings_of(text: str) -> tuple[Landing, ...]:
    """The places that an answer names, one a line; none when nothing of the data was kept.

    Raises OperationError for an answer that is no list of addresses.
    """
    lines = (line.strip() for line in text.split("\n"))
    # A list of URIs may have comments (RFC 2483).
    return tuple(_landing(line) for line in lines if line and not line.startswith("#"))


def _landing(line: str) -> Landing:
    try:
        uri = local_path(urlsplit(line).path.rstrip("/"))
    except ValueError:
        uri = ""
    for area, pattern in _AREAS:
        if found := pattern.fullmatch(uri):
            parts = {key: unquote(value) for key, value in found.groupdict().items()}
            return Landing(area, uri, **parts)
    raise OperationError("import", f"the server answered {one_line(line, 200)!r}, no address")
