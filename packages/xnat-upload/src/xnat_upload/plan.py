"""From what was named to the sessions that are to be: which instances, under which labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from xnat_core.errors import UploadError, ValidationError, XNATCtlError
from xnat_core.imports import Destination
from xnat_core.records import Record
from xnat_core.validation import validate_session_id, validate_subject_id
from xnat_core.wording import counted
from xnat_upload.inventory import Inventory, Study
from xnat_upload.labels import session_of, subject_of

_LISTED = 5


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be uploaded where; no `subject` or `session`: as the headers say.

    `record` is the input record that asked for it, if one did.
    """

    paths: tuple[Path, ...]
    project: str
    subject: str | None = None
    session: str | None = None
    archive: bool = True
    merge_studies: bool = False
    record: Record = field(default_factory=dict)

    @property
    def name(self) -> str:
        """How messages and records name the source."""
        more = f" and {len(self.paths) - _LISTED} more" if len(self.paths) > _LISTED else ""
        return ", ".join(map(str, self.paths[:_LISTED])) + more


@dataclass(frozen=True, slots=True)
class Parcel:
    """One session to upload, with the studies that make it up."""

    order: Order
    destination: Destination
    studies: tuple[Study, ...]
    inventory: Inventory


class Unplannable(UploadError):
    """A study that cannot be uploaded as asked, with its labels as far as they are known."""

    def __init__(self, message: str, subject: str = "", session: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.subject = subject
        self.session = session


def check_labels(order: Order) -> None:
    """Refuse labels that the server would not take as they are. Raises InvalidIdentifierError."""
    if order.subject is not None:
        validate_subject_id(order.subject)
    if order.session is not None:
        validate_session_id(order.session)


def parcels(order: Order, inventory: Inventory) -> Iterator[Parcel | Unplannable]:
    """The sessions of an order, when all its files have been found.

    Raises UploadError when there are none, ValidationError for several studies under one label.
    """
    studies = list(inventory.studies.values())
    if not studies:
        raise UploadError(f"{order.name}: no DICOM found")
    if order.session is not None:
        yield together(order, studies, inventory)
        return
    taken: dict[str, list[Study]] = {}
    for study in studies:
        taken.setdefault(session_of(study.header), []).append(study)
    for label, same in taken.items():
        if len(same) > 1 and order.merge_studies:
            yield together(order, same, inventory)
        elif len(same) > 1:
            yield Unplannable(
                f"{len(same)} studies would become session {label!r} ({_list(same)}): upload each "
                "with -E, or all as one with --merge-studies",
                session=label,
            )
        else:
            yield single(order, same[0], inventory)


def together(order: Order, studies: list[Study], inventory: Inventory) -> Parcel:
    """All studies as one session. Raises ValidationError for several unless that was asked for."""
    if len(studies) > 1 and not order.merge_studies:
        raise ValidationError(
            f"{order.name} holds {len(studies)} studies ({_list(studies)}), and {order.session!r} "
            "can be only one of them: 'xnat-upload dicom' makes a session of each without -E, and "
            "one of all with --merge-studies",
            "session",
        )
    found = single(order, studies[0], inventory)
    if isinstance(found, Unplannable):
        raise found
    return Parcel(order, found.destination, tuple(studies), inventory)


def single(order: Order, study: Study, inventory: Inventory) -> Parcel | Unplannable:
    """One study as a session, under the labels given or found in its first header."""
    subject = order.subject or subject_of(study.header)
    session = order.session or session_of(study.header)
    try:
        if not subject:
            raise ValidationError(
                f"{study.first}: names no patient, so the subject must be given: -S", "subject"
            )
        validate_subject_id(subject)
        validate_session_id(session)
    except XNATCtlError as error:
        return Unplannable(error.message, subject, session)
    destination = Destination(order.project, subject, session, order.archive)
    return Parcel(order, destination, (study,), inventory)


def _list(studies: Iterable[Study]) -> str:
    texts = [
        " ".join(
            part
            for part in (
                study.header.date,
                study.header.modality,
                counted(study.files, "file"),
                f"in {study.first.parent}",
            )
            if part
        )
        for study in studies
    ]
    more = f"; and {len(texts) - _LISTED} more" if len(texts) > _LISTED else ""
    return "; ".join(texts[:_LISTED]) + more
