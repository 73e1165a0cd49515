"""How a session is to be uploaded, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from xnat_core.errors import OperationError, UploadError, XNATCtlError
from xnat_core.imports import Destination, Landing
from xnat_core.imports.answers import PREARCHIVE
from xnat_core.models import PrearchiveEntry, Session
from xnat_upload.inventory import NOTHING, Amount

MOST_FILES = 2000


@dataclass(frozen=True, slots=True)
class Manner:
    """How to upload.

    `again`: also what the server has already. `merges`: what is there may be of another study.
    `wait` for the archive and `timeout` for each request are seconds, `batch` is the largest number
    of files in a request.
    """

    mode: str = "tar"
    overwrite: str = "delete"
    again: bool = False
    merges: bool = False
    workers: int = 4
    wait: float = 14_400
    ignore_unparsable: bool = True
    verify: bool = False
    quarantine: bool = False
    timeout: float | None = None
    batch: int = MOST_FILES


class Mislanded(UploadError):
    """Data went to another project than the one asked for."""

    def __init__(self, landing: Landing, destination: Destination) -> None:
        remedy = (
            f"'xnat-prearchive move' brings it to {destination.project}"
            if landing.area == PREARCHIVE
            else f"move it to {destination.project} when it has been archived there"
        )
        super().__init__(
            f"{destination.project}/{destination.session}: the server filed the data under project "
            f"{landing.project!r}: {landing.uri}; nothing more was sent ({remedy})"
        )
        self.landing = landing


@dataclass(slots=True)
class Delivered:
    """What became of a session.

    It is archived (`session`) or waits in the prearchive (`entry`, and `beside` it the rows of its
    other studies, for there each has its own); `late` says why it is not where it was to be.
    `ended` are the URIs of rows of the direct archive that have come to their end.
    `verified`: the server lists every instance, and with the digest that it has here, or where it
    rewrites all of them, with any. What an earlier upload has brought is there by its name only,
    unless it was read again.
    """

    session: Session | None = None
    entry: PrearchiveEntry | None = None
    beside: list[PrearchiveEntry] = field(default_factory=list)
    landing: Landing | None = None
    ended: set[str] = field(default_factory=set)
    sent: Amount = NOTHING
    wanted: Amount = NOTHING
    missing: Amount = NOTHING
    batches: int = 0
    batches_failed: int = 0
    verified: bool = False
    late: OperationError | None = None
    notes: list[str] = field(default_factory=list)


class Incomplete(UploadError):
    """Some instances are not there; `delivered` tells where the others are."""

    def __init__(self, cause: XNATCtlError, delivered: Delivered) -> None:
        super().__init__("")
        self.message = cause.message
        self.cause = cause
        self.delivered = delivered
