"""Bringing one session to the server, to the state that was asked for.

A loop of a few rounds: look at what the server has, send what it lacks, bring that to its end, look
again. So a run that was killed, cut or refused in part is completed by the next round or the next
run, and nothing that has arrived is sent again.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial

from xnat_core import lagging
from xnat_core.bounds import UNBOUNDED, BoundReached, Bounds
from xnat_core.client import XNATClient
from xnat_core.errors import (
    AuthenticationError,
    IntegrityError,
    OperationError,
    ServerUnreachableError,
    UploadError,
    XNATCtlError,
)
from xnat_core.imports import Destination, Landing, Way
from xnat_core.journal import Accepted, Journal
from xnat_core.parallel import bounded_map, check_stop
from xnat_core.prearchive_rows import ArchiveRefused
from xnat_upload.batches import Batch, batches_of
from xnat_upload.damage import Damage, once_more, replacing
from xnat_upload.difference import Difference
from xnat_upload.ending import LATE, Ending
from xnat_upload.gradual import Gradual
from xnat_upload.inventory import Instance
from xnat_upload.permission import Permission
from xnat_upload.sending import ManyRefused, Requests
from xnat_upload.survey import Survey, Surveyor
from xnat_upload.terms import Delivered, Manner, Mislanded
from xnat_upload.verdict import judged

ROUNDS = 3


class Delivery:
    """One session on its way.

    `journal` must be held. `watch` is told the bytes as they leave, `gate` is shared with other
    sessions that are sent at the same time, `bounds` says until when requests may be begun.
    `subjects` lists the labels of the project; `named` is whether somebody has named the subject,
    and whether the session: otherwise they are called as the headers say.
    """

    def __init__(
        self,
        client: XNATClient,
        destination: Destination,
        difference: Difference,
        manner: Manner,
        journal: Journal,
        *,
        watch: Callable[[int], None] = lambda count: None,
        gate: AbstractContextManager[object] | None = None,
        bounds: Bounds = UNBOUNDED,
        subjects: Callable[[], Iterable[str]] | None = None,
        named: tuple[bool, bool] = (True, True),
    ) -> None:
        self._client = client
        self.destination = destination
        self.difference = difference
        self.manner = manner
        self.journal = journal
        self.bounds = bounds
        self.places: set[str] = set()
        self.surveyor = Surveyor(client, destination, difference, self.places, manner.wait)
        self.permission = Permission(self.surveyor, manner, journal, subjects, named)
        self.ending = Ending(self.surveyor, manner)
        self.requests = Requests(
            client, destination, manner, difference, watch, gate or contextlib.nullcontext()
        )
        self.damage = Damage(client, destination, difference.comparison, journal)
        self.errors: list[XNATCtlError] = []
        self.landings: dict[str, Landing] = {}
        self.batches = Counter[bool]()
        self._one_by_one = False
        self.begin = bounds.beginner()
        self._lock = threading.Lock()

    def run(self) -> Delivered:
        """Upload. Raises the error that stopped it, or that left the session incomplete."""
        damaged = self.recall()
        try:
            survey = self._look_with(self.first_look, lagging.PATIENCE - self.journal.age)
        except LATE as late:
            return self.only_late(late)
        self.require_permission(survey)
        if damaged:
            self._send_otherwise()
        self._demand()
        return self.complete(survey)

    # --- before -------------------------------------------------------------------------------

    def recall(self) -> bool:
        """Learn from the journal what an earlier run has brought; True when some was damaged.

        An upload of another study may have begun under the same labels: its places are its own.
        """
        known = filter(self.difference.concerns, self.journal.accepted())
        self.places.update(one.place for one in known if one.place)
        self.difference.recall(self.journal.accepted())
        return self.damage.recall()

    def only_late(self, late: OperationError) -> Delivered:
        """What comes of a session at which the server still works: nothing has failed when the
        journal says that it has taken everything. Raises `late` when it has not."""
        self.recall()
        if self.difference.untaken.files:
            raise late
        return Delivered(wanted=self.difference.wanted, late=late)

    def require_permission(self, survey: Survey) -> None:
        """Raise for what this upload must not change; see `Permission`."""
        self.permission.require(survey, at_end=self.is_at_end(survey))
        if self.permission.added_to is not None:
            self._proceed(replace(self.manner, merges=True))

    def look(self) -> Survey:
        """See what the server has; its listings may lag behind what it has taken."""
        return self._look_with(self.surveyor.look, None)

    def first_look(self) -> Survey:
        """See what the server has, also of others where nothing of theirs may be touched."""
        return self.surveyor.look(strangers=self.manner.overwrite == "none")

    def _look_behind(self, survey: Survey, done: Delivered) -> Survey:
        """The same behind an end that was reached: what was seen there is not asked for again."""
        seen = None if done.session is survey.session else done.session
        return self._look_with(partial(self.surveyor.look, seen, done.ended), None)

    def _look_with(self, look: Callable[[], Survey], patience: float | None) -> Survey:
        return lagging.look_until(look, lambda survey: not self.difference.unlisted.files, patience)

    # --- rounds -------------------------------------------------------------------------------

    def complete(self, survey: Survey) -> Delivered:
        """Send and finish until the server holds all, as it was sent, where it was to go."""
        try:
            return self._complete(survey)
        except ArchiveRefused as refused:
            if not refused.is_of_other_modality:
                raise
            return self._complete(self._accompanied(refused))

    def _accompanied(self, refused: ArchiveRefused) -> Survey:
        """Have a file of the session's modality sent with what alone is of another one; raise
        `refused` when there is none."""
        survey = self.look()
        self._demand()
        modality = survey.session.modality if survey.session else None
        if not self.difference.demand_one_of(modality or ""):
            refused.message = (
                f"{refused.message.rstrip('.')}: alone these files are a session of another "
                "modality; upload them together with the others of their study"
            )
            raise refused
        self.landings.clear()
        # What was announced has been sent already.
        self.requests.watch = lambda count: None
        return survey

    def _complete(self, survey: Survey) -> Delivered:
        done, survey = self._bring(survey)
        while done.late is None and not self.difference.missing.files:
            if not self.damage.doubt():
                break
            self._send_otherwise()
            # What was announced has been sent already.
            self.requests.watch = lambda count: None
            self._demand()
            done, survey = self._bring(survey)
        return judged(self, done)

    def _bring(self, survey: Survey) -> tuple[Delivered, Survey]:
        """Rounds until the server holds all, or does not take more."""
        done = Delivered()
        for left_rounds in reversed(range(ROUNDS)):
            check_stop()
            lacking = self.difference.missing
            if lacking.files:
                self.begin()
                self.send(self.way(survey))
                if self.errors and left_rounds:
                    # What is archived by halves may not take the other half.
                    continue
                if self.errors and self.difference.lacks_modality:
                    raise self.errors[0]
            is_untouched = not (lacking.files or self.landings) and self.is_at_end(survey)
            done = self.ending.reach(survey, self.landings.values())
            self.landings.clear()
            if done.late is not None:
                break
            if is_untouched and done.session in (None, survey.session):
                break
            survey = self._look_behind(survey, done)
            # What is listed as it was before has not been replaced yet.
            self._demand()
            left = self.difference.missing
            self.difference.take_back()
            if not left.files and self.is_at_end(survey):
                break
            if left.files and left == lacking and not self.errors:
                # It was taken, and is not there: the server does not keep it.
                break
        else:
            # A session of that label may be there all the same, made by somebody else.
            if self.destination.archive and survey.rows and not self.difference.missing.files:
                row = survey.rows[0]
                raise UploadError(f"{row.id} ({row.status}) is left in the prearchive")
        return done, survey

    def _demand(self) -> None:
        replaces = self.manner.overwrite == "delete"
        self.difference.demand(everything=self.manner.again, replaces=replaces)

    def _send_otherwise(self) -> None:
        """Send what is missing in another form, for what has arrived damaged is among it."""
        self._proceed(once_more(self.manner))
        self.requests.manner = replacing(self.manner)

    def _proceed(self, manner: Manner) -> None:
        self.manner = self.requests.manner = self.ending.manner = manner

    def is_at_end(self, survey: Survey) -> bool:
        """Whether nothing is left to be done on the server."""
        return not (survey.direct or (self.destination.archive and survey.rows))

    def way(self, survey: Survey) -> Way:
        """How requests are to treat what they bring."""
        if not self.destination.archive:
            return Way.JOIN_HELD
        fresh = not (survey.session or survey.rows)
        first, *more = self.difference.studies
        # The UID is part of the address at which the server is told that all has come.
        plain = first.uid and not more and not self.manner.quarantine and self.permission.by_label
        return Way.DIRECT if fresh and plain and self.surveyor.knows_direct_archive else Way.JOIN

    def send(self, way: Way) -> None:
        """Send what is missing. What failed is in `errors`; raises when nothing was taken.

        Raises BoundReached when the time was over before all was sent, and nothing had failed until
        then; what has arrived stays where it is until the rest is there, too.
        """
        before = self.errors.copy()
        self.errors.clear()
        try:
            if self.manner.mode != "gradual" and not self._one_by_one:
                self._send_batches(way)
            if self.manner.mode == "gradual" or self._one_by_one:
                self.errors.clear()
                Gradual(self, way).send_missing(workers=self.manner.workers)
        except BoundReached:
            if failed := self.errors or before:
                raise failed[0] from None
            raise
        if self.errors and not self.landings:
            raise self.errors[0]

    def _send_batches(self, way: Way) -> None:
        batches = list(batches_of(self.difference, self.manner.workers, self.manner.batch))
        if way is Way.JOIN_HELD and len(batches) == 1:
            way = Way.STAGE
        workers = self.manner.workers
        in_time = self.bounds.in_time(batches)
        outcomes = bounded_map(
            lambda batch: self._send(batch, way), in_time, workers=workers, in_flight=workers
        )
        with contextlib.closing(outcomes):
            for outcome in outcomes:
                self.batches[outcome.error is None] += 1
                if outcome.error is not None:
                    self.take_error(outcome.error)

    def take_error(self, error: XNATCtlError) -> None:
        """Keep what the next round may mend; raise what it cannot."""
        hopeless = (AuthenticationError, ServerUnreachableError, Mislanded, IntegrityError)
        if isinstance(error, hopeless):
            raise error
        if isinstance(error, ManyRefused):
            self._one_by_one = True
        self.errors.append(error)

    def _send(self, batch: Batch, way: Way) -> None:
        instances = self.difference.inventory.load(batch.ids)
        self.requests.send(instances, way, self.took)

    def took(self, taken: Sequence[tuple[Instance, str]], landings: Sequence[Landing]) -> None:
        """The server has answered for these instances (and their MD5s)."""
        for landing in landings:
            with self._lock:
                self.places.add(landing.uri)
                self.landings[landing.uri] = landing
            if landing.project != self.destination.project:
                raise Mislanded(landing, self.destination)
        if not landings:
            # Nothing was kept. The next listing will lack them, which is said in the end.
            return
        uids = {study.id: study.uid for study in self.difference.studies}
        self.journal.add(
            Accepted(
                instance.name,
                instance.where,
                instance.size,
                instance.mtime_ns,
                digest,
                landings[0].uri,
                uids[instance.study],
            )
            for instance, digest in taken
        )
        for instance, digest in taken:
            self.difference.took(instance, digest)
