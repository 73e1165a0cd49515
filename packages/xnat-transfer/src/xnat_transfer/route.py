"""What all parts of a transfer share: the two servers, the settings, the state."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from xnat_core.bounds import UNBOUNDED, Bounds
from xnat_core.client import XNATClient
from xnat_core.errors import (
    AuthenticationError,
    ConfigurationError,
    PermissionDeniedError,
    ResourceNotFoundError,
    ServerUnreachableError,
    ValidationError,
    XNATCtlError,
)
from xnat_core.imports import ImportRefused
from xnat_core.imports.answers import Kind
from xnat_core.models import PrearchiveEntry, Subject
from xnat_core.parallel import Stopped, rest
from xnat_core.prearchive import Prearchive
from xnat_core.progress import Progress
from xnat_core.services.lookup import subjects_in
from xnat_core.transfer_errors import TransferConflictError, TransferError
from xnat_core.urls import same_server
from xnat_core.validation import label_there
from xnat_transfer.config import TransferConfig
from xnat_transfer.state import Run

T = TypeVar("T")
SUBJECT = "subject"


class Mislanded(TransferError):
    """Data have gone to another project than the one asked for: no more must follow."""


HOPELESS = (
    AuthenticationError,
    ConfigurationError,
    Mislanded,
    ResourceNotFoundError,
    ServerUnreachableError,
    Stopped,
    ValidationError,
)


@dataclass
class Route:
    """From one server to a project of another.

    `anonymizes` tells whether the destination rewrites DICOM; None when it does not say.
    """

    source: XNATClient
    dest: XNATClient
    project: str
    config: TransferConfig
    progress: Progress
    run: Run
    anonymizes: bool | None = None
    bounds: Bounds = UNBOUNDED
    pending: threading.Semaphore = field(init=False)
    """Held while the destination archives."""
    making: threading.Lock = field(init=False)
    """Held from the look at what has a subject's label until it is made: it may be the very ID that
    another one is given meanwhile, and what has the ID would be written to."""

    def __post_init__(self) -> None:
        self.one_server = same_server(self.source.base_url, self.dest.base_url)
        self.pending = threading.Semaphore(self.config.max_pending_archives)
        self.making = threading.Lock()
        self._looking = threading.Lock()
        self._staged: frozenset[str] | None = None
        self._subjects: dict[str, Subject] | None = None
        self._claims: dict[tuple[str, str], tuple[str, threading.Lock]] = {}
        self._labels: dict[tuple[str, str], str] = {}

    @contextlib.contextmanager
    def claimed(self, kind: str, id: str, label: str) -> Iterator[None]:
        """Held while an item of the source is brought to the label that it gets there.

        An item that is named twice waits for its turn. Raises TransferConflictError for the second
        of two whose labels become one, as their data would come together; and for an item that two
        projects call differently, as it would come twice.
        """
        there = label_there(label)
        if kind == SUBJECT:
            # In which the import sees no difference between small letters and capitals.
            there = there.lower()
        with self._looking:
            first, turn = self._claims.get((kind, there)) or (id, threading.Lock())
            only = self._labels.get((kind, id), there)
            if (first, only) == (id, there):
                # What is refused below has taken nothing.
                self._claims[kind, there] = first, turn
                self._labels[kind, id] = only
        if first != id:
            raise TransferConflictError(kind, label, there, f"{first} is brought to that label")
        if only != there:
            raise TransferConflictError(kind, label, only, "it is brought to that label")
        with turn:
            yield

    def in_other_letters(self, label: str) -> Subject | None:
        """The subject that the destination had under this label but for its case, when first asked.

        Its import service makes no difference between the two.
        """
        with self._looking:
            if self._subjects is None:
                self._subjects = {
                    one.label.lower(): one for one in subjects_in(self.dest, self.project)
                }
            found = self._subjects.get(label.lower())
            return found if found and found.label != label else None

    def was_staged(self, label: str) -> bool:
        """Whether the prearchive of the destination had a row of this label when first asked."""
        with self._looking:
            if self._staged is None:
                rows: list[PrearchiveEntry] = []
                with contextlib.suppress(PermissionDeniedError, ResourceNotFoundError):
                    rows = self.prearchive().entries(self.project)
                self._staged = frozenset(row.label or "" for row in rows)
            return label in self._staged

    def prearchive(self) -> Prearchive:
        """The staging area of the destination, looked at as often as the settings want."""
        longest = self.config.archive_poll_interval
        return Prearchive(self.dest, sleep=lambda seconds: rest(min(seconds, longest)))

    def attempts(self, work: Callable[[], T]) -> T:
        """Do something as often as the settings allow, pausing twice as long each time."""
        delay = self.config.scan_retry_delay
        for left in reversed(range(self.config.scan_retry_count)):
            try:
                return work()
            except XNATCtlError as error:
                if not left or is_hopeless(error):
                    raise
            rest(delay)
            delay *= 2
        raise AssertionError("the settings allow at least one attempt")


def is_hopeless(error: XNATCtlError) -> bool:
    """Whether trying again cannot help."""
    permanent = isinstance(error, ImportRefused) and error.kind is Kind.PERMANENT
    return permanent or isinstance(error, HOPELESS)
