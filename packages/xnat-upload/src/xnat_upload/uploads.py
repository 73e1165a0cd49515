"""Orders, one after the other: found, planned, delivered, told."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

from xnat_core.bounds import BoundReached
from xnat_core.client import XNATClient
from xnat_core.errors import UploadError, UsageError, XNATCtlError
from xnat_core.imports import admitted
from xnat_core.job import Job
from xnat_core.journal import Journal
from xnat_core.parallel import Turns
from xnat_core.records import Record, RecordError, failed
from xnat_core.wording import counted
from xnat_upload import outcome
from xnat_upload.delivery import Delivery
from xnat_upload.difference import Difference
from xnat_upload.inventory import Inventory
from xnat_upload.plan import Order, Parcel, Unplannable, check_labels, parcels
from xnat_upload.scan import Scan
from xnat_upload.streaming import Streaming
from xnat_upload.terms import Delivered, Manner
from xnat_upload.whose import subject_labels

SESSIONS_AT_ONCE = 2
"""While one waits to be archived, the next one is sent."""


class Uploads:
    """The uploads of one run; `skip_damaged` and `attached` as in `Scan`."""

    def __init__(
        self,
        job: Job,
        manner: Manner,
        skip_damaged: bool = False,
        attached: Collection[Path] = (),
        *,
        dry_run: bool = False,
    ) -> None:
        self.job = job
        self.manner = manner
        self._scan_of = partial(
            Scan, trouble=self._tell, skip_damaged=skip_damaged, attached=attached
        )
        self._dry_run = dry_run
        self._server = job.profile.url
        self._projects: dict[str, str] = {}
        self._subjects: dict[str, list[str]] = {}
        self._lock = threading.Lock()
        self._turns = Turns()
        self._gate = threading.BoundedSemaphore(manner.workers)

    def records(self, orders: Iterable[Order]) -> Iterator[Record]:
        """Carry out the orders; a record for each session, and for each file that failed."""
        tasks = self.job.within_bounds(self._tasks(orders), self._record_of)
        return self.job.each(self._carry_out, tasks, SESSIONS_AT_ONCE)

    def _record_of(self, task: Parcel | Order) -> Record:
        if isinstance(task, Order):
            return outcome.upload_record(task, self._server)
        return outcome.of_parcel(task, self._server)

    # --- planning -----------------------------------------------------------------------------

    def _tasks(self, orders: Iterable[Order]) -> Iterator[Parcel | Order]:
        """What can be done side by side; whole orders where sending begins before all is found."""
        for order in orders:
            try:
                self._check(order)
                if self._streams(order):
                    yield order
                else:
                    yield from self._planned(order)
            except XNATCtlError as error:
                if not order.record:
                    raise
                self.job.emit(failed(outcome.upload_record(order, self._server), error))

    def _check(self, order: Order) -> None:
        if not order.paths:
            raise RecordError("the record has no path")
        if not order.project:
            raise UsageError("a project is needed: in the record, by -P, or by the profile")
        check_labels(order)
        if not self._dry_run:
            self._admit(order)

    def _streams(self, order: Order) -> bool:
        return self.manner.mode == "gradual" and not (self._dry_run or order.merge_studies)

    def _planned(self, order: Order) -> Iterator[Parcel]:
        inventory = Inventory()
        scan = self._scan_of(inventory)
        for _ in scan.instances(order.paths):
            pass
        self._tell_of(scan, order)
        if not order.record:
            size = sum(study.bytes for study in inventory.studies.values())
            self.job.progress.start(total_bytes=size, what=order.name)
        for parcel in parcels(order, inventory):
            if isinstance(parcel, Unplannable):
                self.job.emit(outcome.unplannable_record(order, self._server, parcel))
            else:
                yield parcel

    def _admit(self, order: Order) -> None:
        """Ask whether the project takes data, once for each."""
        with self._lock:
            if order.project not in self._projects:
                client = self.job.client(order.record or None)
                self._projects[order.project] = admitted(client, order.project)

    def _tell(self, error: XNATCtlError) -> None:
        self.job.emit(outcome.file_record(self._server, error))

    def _tell_of(self, scan: Scan, order: Order) -> None:
        if scan.copies:
            self.job.console.info(
                f"{order.name}: "
                f"{counted(scan.copies, 'file is a copy', 'files are copies')} of others, sent once"
            )
        if scan.unopened:
            self.job.console.warning(
                f"{order.name}: archives inside archives ({scan.unopened}) were not looked into: "
                "unpack the outer ones first"
            )
        if scan.unnamed:
            self.job.console.warning(
                f"{order.name}: tars in folders ({scan.unnamed}) were not looked into: name them "
                "to 'xnat-upload dicom', or unpack them"
            )
        if scan.gzipped:
            self.job.console.warning(
                f"{order.name}: gzipped DICOM files ({scan.gzipped}) were not looked into: "
                "gunzip them first"
            )
        if scan.lost.count:
            self.job.console.warning(f"{order.name}: {scan.lost}")
        if scan.skipped:
            self.job.console.info(
                f"{order.name}: "
                f"{counted(scan.skipped, 'file looks', 'files look')} like DICOM without being it: "
                "passed over"
            )

    # --- delivering ---------------------------------------------------------------------------

    def _carry_out(self, task: Parcel | Order) -> Iterator[Record]:
        order = task if isinstance(task, Order) else task.order
        label = order.session if isinstance(task, Order) else task.destination.session
        project = self._projects.get(order.project, order.project)
        # Of two tasks of one session the second must see what the first has brought. An order that
        # names none may make many: each of these finds its journal held by the other.
        with self._turns.at((project, label)) if label else nullcontext():
            yield from self._carried_out(task)

    def _carried_out(self, task: Parcel | Order) -> Iterator[Record]:
        try:
            # It may have waited for others since it was admitted.
            self.job.bounds.check_time()
            if self._dry_run:
                self.job.bounds.begin()
        except BoundReached as reached:
            yield reached.left(self._record_of(task))
            return
        if isinstance(task, Order):
            yield from self._stream(task)
        elif self._dry_run:
            yield outcome.plan_record(task, self._server, self.manner)
        else:
            begin = time.monotonic()
            result: Delivered | XNATCtlError
            try:
                with self._delivery(task) as delivery:
                    result = delivery.run()
            except XNATCtlError as error:
                result = error
            yield from self._told(task, result, begin)

    def _stream(self, order: Order) -> Iterator[Record]:
        begin = time.monotonic()
        inventory = Inventory()
        scan = self._scan_of(inventory)
        streaming = Streaming(order, inventory, scan, self._delivery, self.job.bounds)
        self.job.progress.start(what=order.name)
        try:
            for parcel, result in streaming.run(self.manner.workers):
                yield from self._told(parcel, result, begin)
            self._tell_of(scan, order)
            if not inventory.studies:
                raise UploadError(f"{order.name}: no DICOM found")
        except BoundReached as reached:
            yield reached.left(outcome.upload_record(order, self._server))
        except XNATCtlError as error:
            yield failed(outcome.upload_record(order, self._server), error)
        for refused in streaming.refused:
            yield outcome.unplannable_record(order, self._server, refused)

    @contextmanager
    def _delivery(self, parcel: Parcel) -> Iterator[Delivery]:
        """The delivery of a session, its journal held."""
        order = parcel.order
        project = self._projects[order.project]
        destination = replace(parcel.destination, project=project)
        target = (self._server, project, destination.subject, destination.session)
        client = self.job.client(order.record or None)
        with Journal(*target) as journal:
            yield Delivery(
                client,
                destination,
                Difference(parcel.inventory, parcel.studies),
                self.manner,
                journal,
                watch=self._watch,
                gate=self._gate,
                bounds=self.job.bounds,
                subjects=lambda: self._subjects_of(client, project),
                named=(order.subject is not None, order.session is not None),
            )

    def _subjects_of(self, client: XNATClient, project: str) -> list[str]:
        """Their labels, asked for once for each project."""
        with self._lock:
            if project not in self._subjects:
                self._subjects[project] = subject_labels(client, project)
            return self._subjects[project]

    def _told(
        self, parcel: Parcel, result: Delivered | XNATCtlError, begin: float
    ) -> Iterator[Record]:
        """The records of a session, and before them those of files that were left out."""
        difference = Difference(parcel.inventory, parcel.studies)
        for instance, reason in difference.left_out():
            yield outcome.left_out_record(self._server, instance, reason)
        if isinstance(result, BoundReached):
            yield result.left(outcome.of_parcel(parcel, self._server))
            return
        if isinstance(result, XNATCtlError):
            yield outcome.failure_record(parcel, self._server, result)
            return
        for note in result.notes:
            self.job.console.warning(note)
        for entry in result.beside:
            yield outcome.beside_record(parcel, self._server, result, entry)
        seconds = round(time.monotonic() - begin, 3)
        yield outcome.done_record(parcel, self._server, result, seconds, self.manner.wait)

    def _watch(self, count: int) -> None:
        self.job.progress.advance(bytes=count)
