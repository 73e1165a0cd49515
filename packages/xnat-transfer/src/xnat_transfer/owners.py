"""Projects and subjects: what they have of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable

from xnat_core.bodies import BytesBody
from xnat_core.bounds import Begin
from xnat_core.errors import ResourceNotFoundError
from xnat_core.models import Subject
from xnat_core.services.homes import Home
from xnat_core.services.lookup import find_subject
from xnat_core.services.resources import resources_of
from xnat_core.transfer_errors import TransferConflictError, TransferError
from xnat_core.urls import path
from xnat_core.validation import label_there
from xnat_transfer.contents import OWN, Contents, Place, file_rows, resources_at
from xnat_transfer.difference import Amount, Difference, There, compare
from xnat_transfer.filling import Filler
from xnat_transfer.filters import Choice
from xnat_transfer.identity import require_ours
from xnat_transfer.metadata import overlay
from xnat_transfer.reading import Reader
from xnat_transfer.route import SUBJECT, Route
from xnat_transfer.state import Entity


class Resources:
    """The resources of a project or a subject on their way from one home to the other.

    `there` is None in a dry run whose destination does not exist yet. `require_own` raises when it
    is another project's.
    """

    is_due = False

    def __init__(
        self,
        route: Route,
        name: str,
        here: Home,
        there: Home | None,
        rule: Choice,
        require_own: Callable[[], None] = lambda: None,
    ) -> None:
        self.route = route
        self.require_own = require_own
        self.name = name
        self.here = here
        self.there = there
        self.rule = rule

    def look(self) -> tuple[Contents, Difference]:
        """List both sides."""
        wanted = resources_at(self.route.source, self.here, self.rule)
        held = There()
        if wanted.holdings and self.there is not None:
            resources = resources_of(self.route.dest, self.there)
            held.places = {Place(OWN, "", one.label): one for one in resources}
            held.rows = file_rows(self.route.dest, self.there, everything=False)
        return wanted, compare(wanted, held, lambda place, print: True, Reader(self.route))

    def bring(self, wanted: Contents, difference: Difference) -> Amount:
        """Make and fill what is missing; raises what went wrong first."""
        home = self.there
        if home is None:
            raise TransferError(f"{self.name}: there is nothing on the destination to fill")
        self.require_own()
        self.route.progress.expect(bytes=difference.amount.bytes)
        filler = Filler(self.route, lambda place: home)
        sent, errors = filler.fill(wanted, difference.resources, difference.lacks)
        if errors:
            raise errors[0]
        return sent


class SubjectCase:
    """A subject of the source, and its likeness on the destination, made when first asked for."""

    def __init__(self, route: Route, subject: Subject) -> None:
        self.route = route
        self.subject = subject
        self.changed = False
        self._there: Subject | None = None
        self._found: tuple[Subject | None] | None = None
        self._lock = threading.Lock()

    @property
    def label(self) -> str:
        """The label it has on the destination."""
        return label_there(self.subject.label)

    def find(self) -> Subject | None:
        """The subject on the destination; None when there is none.

        Raises TransferConflictError when it is another one.
        """
        mapped = self.route.run.mapped(self.subject.id)
        try:
            found: Subject | None = find_subject(self.route.dest, self.label, self.route.project)
        except ResourceNotFoundError:
            found = None
        if found is not None:
            self._require_label(found)
        if found is None and (other := self.route.in_other_letters(self.label)):
            raise self._conflict(other, f"the import takes it for {other.label}, whatever the case")
        found_id = found.id if found else None
        require_ours(
            *(self.route, SUBJECT, self.subject.id, self.subject.label, found_id, mapped),
            project=self.subject.project,
        )
        return found

    def find_once(self) -> Subject | None:
        """The same, for a run that changes nothing and so need not look again. Safe from any
        thread."""
        with self._lock:
            if self._found is None:
                self._found = (self.find(),)
            return self._found[0]

    def _require_label(self, found: Subject) -> None:
        """Raise TransferConflictError for one that was found by its accession ID, or in other
        letters: what is written would be written there."""
        if found.label != self.label:
            raise self._conflict(found, f"the destination takes that label for {found.label}'s")

    def _conflict(self, found: Subject, reason: str) -> TransferConflictError:
        return TransferConflictError(SUBJECT, self.subject.label, found.id, reason)

    def ensure(self, begin: Begin) -> Subject:
        """The subject on the destination, made when there is none. Safe from any thread.

        `begin` is called before it is made or described.
        """
        with self._lock:
            if self._there is None:
                self._there = self._ensured(begin)
            return self._there

    def is_due(self, found: Subject | None) -> bool:
        """Whether it is to be made, or described for the first time."""
        latest = self.route.run.latest(SUBJECT, self.subject.id)
        complete = latest is not None and latest.status == "synced"
        return found is None or (self.route.config.transfer_xml_metadata and not complete)

    def _ensured(self, begin: Begin) -> Subject:
        run, config = self.route.run, self.route.config
        found = self.find()
        if found is None:
            with self.route.making:
                found = self.find()
                begin()
                self._write(found)
            self.changed = True
        elif self.is_due(found):
            begin()
            self._write(found)
            self.changed = True
        elif not config.sync_new_only and config.transfer_xml_metadata:
            self._write(found)
        there = found or find_subject(self.route.dest, self.label, self.route.project)
        self._require_label(there)
        run.map(self.subject.id, there.id, there.label)
        run.note(
            Entity(
                *(SUBJECT, self.subject.id, self.subject.label, "synced"),
                remote_id=there.id,
                remote_label=there.label,
            )
        )
        return there

    def require_own(self, found: Subject) -> None:
        """Raise TransferConflictError when the destination's project only shows this subject."""
        if found.primary_project:
            reason = f"it belongs to project {found.primary_project}, which shares it"
            raise self._conflict(found, reason)

    def _write(self, found: Subject | None) -> None:
        if found is not None:
            self.require_own(found)
        body = None
        if self.route.config.transfer_xml_metadata:
            where = path("data", "subjects", self.subject.id)
            about = (SUBJECT, self.subject.label)
            answer = self.route.source.get(where, params={"format": "xml"}, about=about)
            id = found.id if found else ""
            document = overlay(
                bytes(answer.content),
                id=id,
                project=self.route.project,
                anonymized=self.route.anonymizes is not False,
            )
            body = BytesBody(document, "text/xml")
        self.route.dest.put(
            path("data", "projects", self.route.project, "subjects", self.label),
            body=body,
            about=("project", self.route.project),
            repeatable=True,
        )
