"""The prearchive of the destination, between sending and archiving."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property, partial

from xnat_core.errors import ResourceNotFoundError
from xnat_core.imports import (
    Destination,
    HeldFile,
    Landing,
    archived_files,
    archived_session,
    replaces_nothing,
    staged_files,
)
from xnat_core.imports.answers import PREARCHIVE
from xnat_core.lagging import look_until
from xnat_core.models import PrearchiveEntry, Session
from xnat_core.prearchive_rows import ArchiveRefused, StagingError
from xnat_core.services.lookup import find_session
from xnat_transfer.contents import DICOM, Contents, Place
from xnat_transfer.difference import Lack, fingerprint
from xnat_transfer.joining import Joining, count, is_same, unheld
from xnat_transfer.route import Route
from xnat_transfer.state import Entity

_ARRIVED, _SENT, _MIXED = "scan", "sent scan", "mixed"
_ROW = "row"


class Staging:
    """The rows of one session.

    A row of its labels in that project is what this session is made of when it is of its study, or
    when some run has put something there. All others are left alone: the second visit of a patient,
    filed under the labels of the first, must not become part of it. Rows are archived only when
    nothing is missing: a session of two modalities that was archived by halves could not be
    completed.

    `require_own` raises when what is in the archive by now is another session than that of a row.
    """

    def __init__(
        self,
        route: Route,
        destination: Destination,
        session: Session,
        require_own: Callable[[PrearchiveEntry], None],
    ) -> None:
        self.route = route
        self.destination = destination
        self._session = session
        self._require_own = require_own
        self._prearchive = route.prearchive()
        self._landed: list[Landing] = []
        self._of_others: set[Place] = set()
        self._joining = Joining(f"{session.project}/{session.label}", destination.subject)

    @cached_property
    def study(self) -> str | None:
        """The UID that the study has on the source."""
        # Listings of experiments that ask for it leave out those that cannot have it.
        return self._session.uid or find_session(self.route.source, self._session.id).uid

    def is_waiting(self) -> bool:
        """Whether some of what has been sent is in the prearchive."""
        return bool(self._entries())

    def joined(self, wanted: Contents) -> tuple[list[PrearchiveEntry], bool]:
        """The rows that what is sent joins, built and at rest, and whether others have left while
        they were waited for.

        Raises TransferConflictError where it would join data of others: `wanted` is all that the
        session is to hold.
        """
        entries = self._candidates()
        self._joining.require_subject(entries)
        rows = self._rested(entries)
        for row in rows:
            self._require_no_others(row, wanted)
        return rows, len(rows) < len(entries)

    def _require_no_others(self, row: PrearchiveEntry, wanted: Contents) -> None:
        begun = self.route.run.latest(_ROW, self._row_key(row)) is not None
        self._joining.require_no_others(row, self._files(row), wanted, begun=begun)

    def _rested(self, entries: Iterable[PrearchiveEntry]) -> list[PrearchiveEntry]:
        patience = self.route.config.archive_wait_timeout
        rested = [self._prearchive.settled(entry, patience) for entry in entries]
        return [entry for entry in rested if entry is not None]

    def tidy(self, there: Session) -> bool:
        """Archive rows that hold nothing but what the session has; returns whether any was.

        A run that was killed leaves them: their data have arrived by another way. With `overwrite`
        they replace files by the same ones, and are gone. Names and sizes are those of a corrected
        study, too, so the bytes decide.
        """
        rows = self._rested(self._entries())
        archived = {(file.name, file.size) for file in archived_files(self.route.dest, there.id)}
        ours = [
            row
            for row in rows
            if row.status != "ERROR"
            and self._is_in(row, archived)
            and replaces_nothing(self._prearchive, row, there)
        ]
        for row in ours:
            with self.route.pending, contextlib.suppress(ArchiveRefused):
                self._archive(row, True, self.route.config.archive_wait_timeout)
        return bool(ours)

    def _is_in(self, row: PrearchiveEntry, archived: Container[tuple[str, int | None]]) -> bool:
        files = [(file.name, file.size) for file in self._files(row)]
        return bool(files) and all(file in archived for file in files)

    def left(self) -> list[str]:
        """What to say of rows that are there although the session has arrived."""
        return [
            f"{entry.id} of its prearchive has this label, too ({entry.status}), holds other files "
            "than the session, and stays there"
            for entry in self._labelled()
        ]

    def landed(self, landings: Sequence[Landing]) -> None:
        """Remember where data have been put. Safe from any thread."""
        self._landed += landings
        for landing in landings:
            if landing.area == PREARCHIVE:
                row = landing.entry()
                self.route.run.note(Entity(_ROW, self._row_key(row), row.name, "sent"))

    def without(self, lacks: Sequence[Lack], rows: Iterable[PrearchiveEntry]) -> list[Lack]:
        """What is still to be sent: the files that no row holds as the source has them now.

        Of what no run has sent the bytes decide, unless they are rewritten there: others may have
        put it there under the same names.
        """
        rows = list(rows)
        held = {(file.scan, file.name): file.size for row in rows for file in self._files(row)}
        if not held:
            return list(lacks)
        left = []
        for lack in lacks:
            paths = lack.paths
            sent_as = self._sent_as(lack.place)
            if sent_as in ("", fingerprint(lack.holding)):
                named = [path for path in paths if self._is_held(lack, path, held)]
                if not sent_as and not self.route.anonymizes:
                    same = [path for path in named if is_same(self._prearchive, rows, lack, path)]
                    if len(same) < len(named):
                        self._of_others.add(lack.place)
                    named = same
                known = set(named)
                paths = tuple(path for path in paths if path not in known)
            if paths:
                left.append(replace(lack, paths=paths))
        return left

    def passed_over(self, lacks: Iterable[Lack]) -> list[Lack]:
        """What has been sent and no row holds: the import passes over what gives it trouble.

        `lacks` are all, also those of which earlier runs have sent something: a row has that, too.
        By its scan and name, else by name alone: scans may be numbered anew, and files rewritten.
        Where nothing is known by name the destination has names of its own.
        """
        lacks = list(lacks)
        rows = self._rested(self._entries_with_landed())
        held = Counter((file.scan, file.name) for row in rows for file in self._files(row))
        left = unheld(lacks, held, lambda lack, name: (lack.place.owner, name))
        elsewhere = Counter(name for _, name in held.elements())
        left = unheld(left, elsewhere, lambda lack, name: name)
        return left if count(left) < count(lacks) else []

    def begin(self, lacks: Iterable[Lack]) -> None:
        """Note as what scans are sent: of rewritten DICOM no row tells whether it is an old state.

        Beside files of an old state, or of others, those of a new one are neither, until all have
        been sent.
        """
        for lack in lacks:
            now = fingerprint(lack.holding)
            is_alone = lack.place not in self._of_others and self._sent_as(lack.place) in ("", now)
            self._note(lack.place, now if is_alone else _MIXED)

    def sent(self, lacks: Iterable[Lack]) -> None:
        """Note that scans have been sent to their end."""
        for lack in lacks:
            self._note(lack.place, fingerprint(lack.holding))

    def arrived(self, lacks: Iterable[Lack]) -> None:
        """Note as what scans have been archived: of rewritten DICOM no listing tells."""
        for lack in lacks:
            sizes = (known.size or 0 for known in lack.holding.files.values())
            self.route.run.note(
                Entity(
                    *(_ARRIVED, self._key(lack.place), lack.place.owner, "synced"),
                    parent=self._session.id,
                    file_count=len(lack.holding.files),
                    file_size=sum(sizes),
                    fingerprint=fingerprint(lack.holding),
                )
            )

    def is_unchanged(self, place: Place, print: str) -> bool:
        """Whether a scan has this fingerprint since it was archived, as far as anybody knows."""
        latest = self.route.run.latest(_ARRIVED, self._key(place))
        return latest is None or latest.fingerprint in ("", print)

    def has_arrived(self, place: Place) -> bool:
        """Whether some run has brought this DICOM into the archive."""
        return self.route.run.latest(_ARRIVED, self._key(place)) is not None

    def was_sent(self, place: Place) -> bool:
        """Whether some run has begun to send this DICOM."""
        return place.is_dicom and bool(self._sent_as(place))

    def _sent_as(self, place: Place) -> str:
        latest = self.route.run.latest(_SENT, self._key(place))
        return latest.fingerprint if latest else ""

    def _note(self, place: Place, fingerprint: str) -> None:
        entity = Entity(_SENT, self._key(place), place.owner, "sent", fingerprint=fingerprint)
        self.route.run.note(entity)

    def _key(self, place: Place) -> str:
        label = f"/{place.label}" if place.label != DICOM else ""
        return f"{self._session.id}/{place.owner}{label}"

    def archived(self) -> Session | None:
        """The session, when it is in the archive."""
        return archived_session(self.route.dest, self.destination.project, self.destination.session)

    def archive(self, wanted: Contents, *, exists: bool) -> Session | None:
        """Build and archive the rows; returns the session, or None when there was nothing.

        Raises ArchiveRefused, TransferConflictError for data of others that have come to them
        meanwhile, and WaitedTooLong when the destination is not done in time.
        """
        with self.route.pending:
            deadline = time.monotonic() + self.route.config.archive_wait_timeout
            entries = self._entries_with_landed()
            self._joining.require_subject(entries)
            for entry in entries:
                left = max(0.0, deadline - time.monotonic())
                row = look_until(
                    partial(self._prearchive.settled, entry, left),
                    lambda row: row is not None or self.archived() is not None,
                )
                if row is None:
                    continue
                if row.status == "ERROR":
                    reason = self._prearchive.reason(row) or "ERROR"
                    raise StagingError("archive", f"{row.id}: {reason}", row)
                self._require_no_others(row, wanted)
                self._archive(row, exists, left)
                # The second study of one session is in conflict with the first one.
                exists = True
        return look_until(self.archived, lambda found: found is not None or not entries)

    def _entries_with_landed(self) -> list[PrearchiveEntry]:
        """The rows, with those that data have landed in although no listing shows them yet."""

        def look() -> list[PrearchiveEntry]:
            rows = {entry.id: entry for entry in self._entries()}
            for entry in (one.entry() for one in self._landed if one.area == PREARCHIVE):
                if entry.id not in rows and (found := self._prearchive.find(entry)):
                    rows[entry.id] = found
            return list(rows.values())

        return look_until(
            look, lambda rows: bool(rows) or not self._landed or self.archived() is not None
        )

    def _archive(self, row: PrearchiveEntry, exists: bool, patience: float) -> None:
        archive = partial(
            self._prearchive.archive,
            subject=self.destination.subject,
            session=self.destination.session,
            timeout=patience or None,
        )
        overwrite = exists or row.status == "CONFLICT"
        if overwrite and not exists:
            # What has come to be there since we looked is replaced only when it is ours.
            self._require_own(row)
        try:
            archive(row, overwrite=overwrite)
        except ResourceNotFoundError:
            # The project archives by itself, and was faster.
            if self._prearchive.find(row) is not None:
                raise
        except ArchiveRefused as error:
            if overwrite or error.entry.status != "CONFLICT":
                raise
            self._require_own(error.entry)  # As above.
            archive(error.entry, overwrite=True)

    def _entries(self) -> list[PrearchiveEntry]:
        return [row for row in self._candidates() if not self._joining.is_for_another(row)]

    def _candidates(self) -> list[PrearchiveEntry]:
        """The rows of the session, whatever subject they are of."""
        project = self.destination.project
        rows = self._prearchive.of_study(project, self.study) if self.study else []
        known = {row.id for row in rows}
        # What some run has sent, whatever study it is of there. Rows of no project are not shown.
        for place in map(_place, self.route.run.below(_ROW, self._session.id)):
            if place.project == project and place.id not in known:
                rows += filter(None, [self._prearchive.find(place)])
        return self._of_label(rows)

    def _row_key(self, row: PrearchiveEntry) -> str:
        return f"{self._session.id}/{row.id}"

    def _labelled(self) -> list[PrearchiveEntry]:
        rows = self._of_label(self._prearchive.entries(self.destination.project))
        return [row for row in rows if not self._joining.is_for_another(row)]

    def _of_label(self, entries: Iterable[PrearchiveEntry]) -> list[PrearchiveEntry]:
        wanted = self.destination.project, self.destination.session
        return [entry for entry in entries if (entry.project, entry.label) == wanted]

    def _files(self, row: PrearchiveEntry) -> Iterator[HeldFile]:
        try:
            yield from staged_files(self._prearchive, row)
        except ResourceNotFoundError:
            # Nothing in it could be built, so nothing in it can be listed.
            return

    def _is_held(self, lack: Lack, path: str, held: dict[tuple[str, str], int | None]) -> bool:
        key = (lack.place.owner, path.rpartition("/")[2])
        if key not in held:
            return False
        wanted = lack.holding.files[path].size
        return bool(self.route.anonymizes) or wanted is None or held[key] == wanted


def _place(id: str) -> PrearchiveEntry:
    """The row that `PrearchiveEntry.id` names."""
    project, timestamp, name = id.split("/", 2)
    return PrearchiveEntry(project=project, timestamp=timestamp, name=name)
