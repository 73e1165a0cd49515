"""One upload from beginning to end, for programs: paths in, a summary out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from xnat_core.callbacks import Callback, handed_back
from xnat_core.client import XNATClient
from xnat_core.errors import OperationError, ResourceExistsError
from xnat_core.imports import Destination, admitted
from xnat_core.journal import Journal
from xnat_core.models import OperationPhase, UploadProgress, UploadSummary
from xnat_core.progress import Progress, reporter
from xnat_core.validation import validate_session_id, validate_subject_id
from xnat_upload.delivery import Delivery
from xnat_upload.difference import Difference
from xnat_upload.inventory import Inventory
from xnat_upload.plan import Order, together
from xnat_upload.scan import Scan
from xnat_upload.terms import Delivered, Incomplete, Manner

OnProgress = Callable[[UploadProgress], object]
_MB = 1 << 20


@handed_back()
def upload(
    client: XNATClient,
    destination: Destination,
    paths: Sequence[Path],
    manner: Manner,
    on_progress: OnProgress | None,
    *,
    draw: bool = False,
) -> UploadSummary:
    """Upload to one session and sum up; `draw` shows a bar on a terminal.

    What could not be uploaded is in the summary's `errors`; raises when nothing could be tried.
    """
    validate_subject_id(destination.subject)
    validate_session_id(destination.session)
    begin = time.monotonic()
    report = _Report(on_progress, reporter(quiet=not draw))
    inventory = Inventory()
    errors: list[str] = []
    scan = Scan(inventory, lambda error: errors.append(error.message))
    for _ in scan.instances(paths):
        pass
    delivered: Delivered | None = None
    whole = False
    order = Order(tuple(paths), destination.project, destination.subject, destination.session)
    try:
        if not inventory.studies:
            raise OperationError("upload", f"{order.name}: no DICOM found")
        together(order, list(inventory.studies.values()), inventory)
        project = admitted(client, destination.project)
        difference = Difference(inventory, inventory.studies.values())
        report.begin(difference.wanted.bytes)
        delivered = _deliver(
            client, replace(destination, project=project), difference, manner, report
        )
        errors += [reason for _, reason in difference.left_out()]
        whole = not errors
    except Incomplete as error:
        delivered = error.delivered
        errors.append(error.message)
    except (OperationError, ResourceExistsError) as error:
        errors.append(error.message)
    finally:
        report.end(success=whole)
    return _summary(inventory, delivered, errors, time.monotonic() - begin)


def _deliver(
    client: XNATClient,
    destination: Destination,
    difference: Difference,
    manner: Manner,
    report: _Report,
) -> Delivered:
    labels = (destination.project, destination.subject, destination.session)
    with Journal(client.base_url, *labels) as journal:
        delivered = Delivery(
            client, destination, difference, manner, journal, watch=report.advance
        ).run()
    if delivered.late is not None:
        raise delivered.late
    return delivered


class _Report:
    """Tells a callback, and a bar, how far it is."""

    def __init__(self, on_progress: OnProgress | None, bar: Progress) -> None:
        self._on_progress = Callback(on_progress)
        self._bar = bar
        self._lock = threading.Lock()
        self._sent = self._total = 0

    def begin(self, total: int) -> None:
        self._total = total
        self._bar.start(total_bytes=total)
        self._tell(OperationPhase.PREPARING)

    def advance(self, count: int) -> None:
        self._bar.advance(bytes=count)
        with self._lock:
            self._sent += count
            self._tell(OperationPhase.UPLOADING)

    def end(self, *, success: bool) -> None:
        self._bar.close()
        phase = OperationPhase.COMPLETE if success else OperationPhase.ERROR
        self._on_progress.last(self._report(phase, success=success))

    def _tell(self, phase: OperationPhase) -> None:
        self._on_progress(self._report(phase))

    def _report(self, phase: OperationPhase, *, success: bool = True) -> UploadProgress:
        # What frames the files in an archive, and what is sent again, counts for nothing.
        sent = min(self._sent, self._total)
        return UploadProgress(
            phase,
            sent,
            self._total,
            success=success,
            bytes_sent=sent,
            total_bytes=self._total,
        )


def _summary(
    inventory: Inventory, delivered: Delivered | None, errors: list[str], seconds: float
) -> UploadSummary:
    files = sum(study.files for study in inventory.studies.values())
    done = delivered or Delivered()
    there = done.wanted.files - done.missing.files
    return UploadSummary(
        success=not errors and delivered is not None,
        total=files,
        succeeded=there,
        failed=files - there,
        duration=seconds,
        errors=errors,
        total_files=files,
        total_size_mb=sum(study.bytes for study in inventory.studies.values()) / _MB,
        session_id=done.session.id if done.session else "",
        batches_total=done.batches,
        batches_succeeded=done.batches - done.batches_failed,
        batches_failed=done.batches_failed,
    )
