"""One session, or another experiment of a subject, with everything in it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from xnat_core.errors import XNATCtlError
from xnat_core.imports import Destination, LabelTaken, archived_session
from xnat_core.lagging import look_until
from xnat_core.models import PrearchiveEntry, Session, Subject
from xnat_core.prearchive_rows import ArchiveRefused
from xnat_core.services.homes import Home
from xnat_core.transfer_errors import TransferConflictError, TransferError
from xnat_core.urls import path
from xnat_core.validation import label_there
from xnat_transfer.companions import advise, companion
from xnat_transfer.contents import (
    SECONDARY,
    Contents,
    Place,
    contents_of,
    is_imaging,
)
from xnat_transfer.describing import Describer, unmakeable
from xnat_transfer.difference import (
    Amount,
    Difference,
    Lack,
    There,
    compare,
)
from xnat_transfer.filling import Filler
from xnat_transfer.filters import SessionRules
from xnat_transfer.identity import require_ours
from xnat_transfer.ids_there import IdsThere
from xnat_transfer.reading import Reader
from xnat_transfer.route import Route
from xnat_transfer.sending import Scans
from xnat_transfer.staging import Staging

EXPERIMENT = "experiment"


class Experiment:
    """One experiment of the source on its way; `owner` is its subject on the destination."""

    def __init__(self, route: Route, session: Session, owner: Subject, rules: SessionRules) -> None:
        self.route = route
        self.session = session
        self.owner = owner
        self.rules = rules
        self.there: Session | None = None
        self.notes: list[str] = []
        self.destination = Destination(route.project, owner.label, label_there(session.label))
        self.staging = Staging(route, self.destination, session, self._require_own)
        self.scans = Scans(route, self.destination, self.staging.landed)
        self._ids = IdsThere(route, self.name, self.staging.has_arrived)
        latest = route.run.latest(EXPERIMENT, session.id)
        complete = latest is not None and latest.status in ("synced", "verified")
        self._metadata_due = route.config.transfer_xml_metadata and not (
            complete and route.config.sync_new_only
        )

    @property
    def name(self) -> str:
        """How messages call it."""
        return f"{self.session.project}/{self.session.label}"

    @property
    def is_due(self) -> bool:
        """Whether its metadata are to be written although nothing else is missing."""
        return self._metadata_due or self.there is None

    # --- looking ------------------------------------------------------------------------------

    def look(self) -> tuple[Contents, Difference]:
        """List both sides."""
        wanted = contents_of(self.route.source, self.session, self.rules)
        for one in wanted.assessors.values():
            # They share their labels with the sessions of the project.
            with self.route.claimed(EXPERIMENT, one.id, one.label):
                pass
        self.there = self.find()
        held = self._ids.held(self.there, wanted) if self.there else There()
        held.anonymizes = self.route.anonymizes
        difference = compare(wanted, held, self.staging.is_unchanged, Reader(self.route))
        if self.there is not None:
            self._adopt(self.there, wanted, difference)
        return wanted, difference

    def find(self) -> Session | None:
        """The experiment on the destination. Raises TransferConflictError when it is another."""
        project, label = self.destination.project, self.destination.session
        mapped = self.route.run.mapped(self.session.id)
        try:
            found = archived_session(self.route.dest, project, label, self.owner)
        except LabelTaken as taken:
            raise TransferConflictError("session", self.name, label, taken.reason) from None
        self._require_ours(found, mapped)
        if found is None:
            return None
        if found.subject_id != self.owner.id and found.subject_label != self.owner.label:
            raise self._conflict(found, f"it is of subject {found.subject_label}")
        if mapped is None and self._is_another(found):
            raise self._conflict(found, "it is of another study or type")
        return found

    def _is_another(self, found: Session) -> bool:
        """Whether something that we know nothing of cannot have come from here."""
        if is_imaging(found.xsi_type) != is_imaging(self.session.xsi_type):
            return True
        return self.route.anonymizes is False and self._is_of_another_study(found)

    def _is_of_another_study(self, found: Session) -> bool:
        return bool(found.uid and self.staging.study) and found.uid != self.staging.study

    def _adopt(self, found: Session, wanted: Contents, difference: Difference) -> None:
        """Take what has the labels for what came from here. Raises TransferConflictError.

        Where DICOM is rewritten the study may have another UID, but hardly a name in common.
        """
        if self.route.run.mapped(self.session.id) is not None:
            return
        if not difference.recognised and self._is_of_another_study(found):
            was_sent = any(map(self.staging.was_sent, wanted.holdings))
            # What waits in the prearchive is not what has been archived.
            if not was_sent or self.staging.is_waiting():
                raise self._conflict(found, "it is of another study")
        self.route.run.map(self.session.id, found.id, found.label)

    def _require_own(self, row: PrearchiveEntry) -> None:
        """Raise TransferConflictError unless what was archived meanwhile is of the study of a row.

        The destination may have rewritten the UID of both.
        """
        found, mapped = self.find(), self.route.run.mapped(self.session.id)
        if found and not mapped and found.uid != row.uid and self._is_of_another_study(found):
            raise self._conflict(found, "it is of another study")

    def _require_ours(self, found: Session | None, mapped: str | None) -> None:
        require_ours(
            *(self.route, EXPERIMENT, self.session.id, self.session.label),
            found.id if found else None,
            mapped,
            project=self.session.project,
            xsi_type=self.session.xsi_type or "",
        )

    def _conflict(self, found: Session, reason: str) -> TransferConflictError:
        return TransferConflictError("session", self.name, found.id, reason)

    def tidy(self) -> bool:
        """Finish what earlier runs have left in the prearchive; returns whether there was any."""
        if not self.route.was_staged(self.destination.session):
            return False
        there = self.find()
        return there is not None and self.staging.tidy(there)

    def left(self) -> list[str]:
        """What to say of what earlier runs, or others, have left in the prearchive."""
        return self.staging.left() if self.route.was_staged(self.destination.session) else []

    # --- bringing -----------------------------------------------------------------------------

    def bring(self, wanted: Contents, difference: Difference) -> Amount:
        """Send what is missing; raises what went wrong first, when all else is done."""
        if self.there is None or not difference.is_empty:
            self._metadata_due = self.route.config.transfer_xml_metadata
        rows: list[PrearchiveEntry] = []
        if any(map(self._is_imported, difference.lacks)):
            rows, archived = self.staging.joined(wanted)
            if archived:
                # What an earlier run had sent: it has arrived since we looked.
                wanted, difference = self.look()
        self.route.progress.expect(bytes=difference.amount.bytes)
        dicom = [lack for lack in difference.lacks if self._is_imported(lack)]
        sent = self._bring_dicom(dicom, rows, wanted, difference)
        there = self.there = self.there or self._create()
        self.route.run.map(self.session.id, there.id, there.label)
        awaited = {lack.place.owner for lack in dicom if self._own_part(lack) is not None}
        if dicom or not self._ids.are_of(there):
            ids = self._ids
            look_until(lambda: ids.learn(there, wanted), lambda _: ids.scans.keys() >= awaited)
        errors = self._describe(there, wanted, awaited)
        foreign = [part for lack in dicom if (part := self._foreign_part(lack)) is not None]
        others = [lack for lack in difference.lacks if not self._is_imported(lack)]
        filled, failures = Filler(self.route, self._home_of).fill(
            wanted, difference.resources, [*others, *foreign]
        )
        for error in (*errors, *failures):
            raise error
        return sent + filled

    def _is_imported(self, lack: Lack) -> bool:
        """Whether files go through the import service.

        What is no image it does not take into a session of images that exists already. As files it
        can be; only it must not get past the anonymization.
        """
        if lack.place.label == SECONDARY and self.route.anonymizes is False:
            return False
        return lack.place.is_dicom

    def _bring_dicom(
        self,
        lacks: Sequence[Lack],
        rows: Sequence[PrearchiveEntry],
        wanted: Contents,
        difference: Difference,
    ) -> Amount:
        if not lacks:
            return Amount()
        mixed = len({scan.xsi_type for scan in wanted.scans.values()}) > 1
        todo = self.staging.without(lacks, rows)
        self.staging.begin(todo)
        self._send(todo)
        self.staging.sent(todo)
        if mixed:
            # What is missing may be a session of another modality, and none to be added then.
            own = [part for lack in lacks if (part := self._own_part(lack)) is not None]
            self._send(self.staging.passed_over(own))
        arrived = self._archive(wanted, difference)
        if arrived is None and any(self._own_part(lack) is not None for lack in lacks):
            raise TransferError(
                f"{self.name}: the destination kept none of its DICOM; its anonymization may "
                "reject it"
            )
        self.there = arrived or self.there
        self.staging.arrived(lacks)
        return sum((lack.amount for lack in todo), Amount())

    def _archive(self, wanted: Contents, difference: Difference) -> Session | None:
        try:
            return self.staging.archive(wanted, exists=self.there is not None)
        except ArchiveRefused as refused:
            if self.there is None or not refused.is_of_other_modality:
                raise
            one = companion(wanted, difference, self.there)
            if one is None or self.route.anonymizes is not False:
                raise advise(refused) from None
            self._send([one])
            return self.staging.archive(wanted, exists=True)

    def _send(self, lacks: Sequence[Lack]) -> None:
        errors = self.scans.send(lacks)
        if errors:
            # What has arrived stays where it is until the rest is there, too.
            raise errors[0]

    def _own_part(self, lack: Lack) -> Lack | None:
        """The files of a lack that are DICOM."""
        return self._part(lack, foreign=False)

    def _foreign_part(self, lack: Lack) -> Lack | None:
        """The files among DICOM that are none: the import service passes them over."""
        return self._part(lack, foreign=True)

    def _part(self, lack: Lack, *, foreign: bool) -> Lack | None:
        known = self.scans.foreign
        paths = tuple(p for p in lack.paths if ((lack.place.owner, p) in known) == foreign)
        return replace(lack, paths=paths) if paths else None

    def _create(self) -> Session:
        """Make an experiment that has no DICOM: one that was made before would be in its way."""
        parts = ("projects", self.route.project, "subjects", self.owner.label, "experiments")
        self.route.dest.put(
            path("data", *parts, self.destination.session),
            params={
                "xsiType": self.session.xsi_type,
                "date": self.session.session_date,
            },
            about=("subject", self.owner.label),
            repeatable=True,
        )
        found = look_until(self.staging.archived, lambda found: found is not None)
        if found is None:
            raise TransferError(f"{self.name}: the destination did not make it")
        return found

    def _describe(
        self, there: Session, wanted: Contents, awaited: Collection[str]
    ) -> list[XNATCtlError]:
        """Make scans and assessors, write metadata; returns what went wrong with any of it.

        The scans in `awaited` are to come with their DICOM: one that was made before would be in
        its way, and the import would give it another ID.
        """
        describer, ids = Describer(self.route, there), self._ids
        unmade = [*self._make_scans(describer, wanted, awaited)]
        scans = set(ids.scans)
        undescribed = [*self._describe_session(describer, there)]
        assessors, failures = self._describe_assessors(describer, wanted)
        undescribed += failures
        look_until(
            lambda: ids.learn(there, wanted),
            lambda _: ids.scans.keys() >= scans and ids.assessors.keys() >= assessors,
        )
        self._metadata_due = self._metadata_due and bool(undescribed)
        return [*unmade, *undescribed]

    def _make_scans(
        self, describer: Describer, wanted: Contents, awaited: Collection[str]
    ) -> Iterator[XNATCtlError]:
        """Make the scans that come without DICOM; yields why one cannot be made."""
        for id, scan in wanted.scans.items():
            if id in self._ids.scans:
                continue
            if why := unmakeable(id, awaited, self._ids.scans):
                yield TransferError(f"{self.name}: {why}")
                continue
            describer.scan(scan)
            self._ids.scans[id] = id

    def _describe_session(self, describer: Describer, there: Session) -> Iterator[XNATCtlError]:
        if not self._metadata_due:
            return
        if there.xsi_type != self.session.xsi_type:
            self.notes.append(
                f"it is {there.xsi_type} there, not {self.session.xsi_type}: its metadata were not "
                "written"
            )
            return
        try:
            describer.session(self.session.id, self._ids.scans)
        except XNATCtlError as error:
            yield error

    def _describe_assessors(
        self, describer: Describer, wanted: Contents
    ) -> tuple[set[str], list[XNATCtlError]]:
        """Make or describe assessors; returns the labels for which that was done, and errors."""
        made, errors = set[str](), list[XNATCtlError]()
        for label, assessor in wanted.assessors.items():
            id = self._ids.assessors.get(label, "")
            if id and not self._metadata_due:
                continue
            try:
                describer.assessor(assessor, id)
            except XNATCtlError as error:
                errors.append(error)
            else:
                made.add(label)
        return made, errors

    def _home_of(self, place: Place) -> Home:
        assert self.there is not None
        return self._ids.home_of(self.there, place)
