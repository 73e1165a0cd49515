"""Orders, one after the other: found, planned, delivered, told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator

from xnat_core.errors import UsageError, XNATCtlError
from xnat_core.imports import admitted
from xnat_core.job import Job
from xnat_core.journal import Journal
from xnat_core.records import Record, failed
from xnat_upload import outcome
from xnat_upload.delivery import Delivery
from xnat_upload.difference import Difference
from xnat_upload.inventory import Inventory
from xnat_upload.plan import Order, Parcel, Unplannable, check_labels, parcels
from xnat_upload.scan import Scan
from xnat_upload.terms import Delivered, Manner

SESSIONS_AT_ONCE = 2
"""While one waits to be archived, the next one is sent."""


class Uploads:
    """The uploads of one run."""

    def __init__(
        self, job: Job, manner: Manner, skip_damaged: bool = False, *, dry_run: bool = False
    ) -> None:
        self.job = job
        self.manner = manner
        self._skip_damaged = skip_damaged
        self._dry_run = dry_run
        self._server = job.profile.url
        self._projects: dict[str, str] = {}
        self._lock = threading.Lock()
        self._gate = threading.BoundedSemaphore(manner.workers)

    def records(self, orders: Iterable[Order]) -> Iterator[Record]:
        """Carry out the orders; a record for each session, and for each file that failed."""
        return self.job.each(self._deliver, self._parcels(orders), SESSIONS_AT_ONCE)

    # --- planning -----------------------------------------------------------------------------

    def _parcels(self, orders: Iterable[Order]) -> Iterator[Parcel]:
        for order in orders:
            try:
                yield from self._planned(order)
            except XNATCtlError as error:
                if not order.record:
                    raise
                self.job.emit(failed(outcome.upload_record(order, self._server), error))

    def _planned(self, order: Order) -> Iterator[Parcel]:
        if not order.project:
            raise UsageError("a project is needed: in the record, by -P, or by the profile")
        check_labels(order)
        if not self._dry_run:
            self._admit(order)
        inventory = Inventory()
        scan = Scan(inventory, self._tell, self._skip_damaged)
        for _ in scan.instances(order.paths):
            pass
        self._tell_of(scan, order)
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
                f"{order.name}: {scan.copies} files are copies of others and are sent once"
            )
        if scan.skipped:
            self.job.console.info(
                f"{order.name}: {scan.skipped} files look like DICOM and are not; passed over"
            )

    # --- delivering ---------------------------------------------------------------------------

    def _deliver(self, parcel: Parcel) -> Iterator[Record]:
        if self._dry_run:
            yield outcome.plan_record(parcel, self._server, self.manner)
            return
        begin = time.monotonic()
        difference = Difference(parcel.inventory, parcel.studies)
        try:
            delivered = self._delivered(parcel, difference)
        except XNATCtlError as error:
            yield from self._left_out(difference)
            yield outcome.failure_record(parcel, self._server, error)
            return
        for note in delivered.notes:
            self.job.console.warning(note)
        yield from self._left_out(difference)
        seconds = round(time.monotonic() - begin, 3)
        yield outcome.done_record(parcel, self._server, delivered, seconds, self.manner.wait)

    def _delivered(self, parcel: Parcel, difference: Difference) -> Delivered:
        order = parcel.order
        destination = parcel.destination
        project = self._projects[order.project]
        client = self.job.client(order.record or None)
        if destination.project != project:
            from dataclasses import replace

            destination = replace(destination, project=project)
        target = (self._server, project, destination.subject, destination.session)
        with Journal(*target) as journal:
            delivery = Delivery(
                client,
                destination,
                difference,
                self.manner,
                journal,
                watch=self._watch,
                gate=self._gate,
            )
            return delivery.run()

    def _watch(self, count: int) -> None:
        self.job.progress.advance(bytes=count)

    def _left_out(self, difference: Difference) -> Iterator[Record]:
        for instance, reason in difference.left_out():
            yield outcome.left_out_record(self._server, instance, reason)
