"""C-STORE for programs."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from xnat_core.dicom_files import LostLinks
from xnat_core.errors import ConfigurationError, DicomStoreError, ValidationError
from xnat_core.models.transfer import DICOMStoreSummary
from xnat_core.records import Record, error_facts
from xnat_core.validation import (
    validate_ae_title,
    validate_dicom_directory,
    validate_port,
    validate_workers,
)
from xnat_cstore.delivery import Delivered, Manner, deliver
from xnat_cstore.echo import echoed
from xnat_cstore.finding import in_paths
from xnat_cstore.instance import Instance
from xnat_cstore.namesakes import Known, told_apart
from xnat_cstore.receiver import Receiver


def send_files(
    paths: Iterable[Path], receiver: Receiver, manner: Manner | None = None
) -> Iterator[Delivered | Record]:
    """Send the DICOM files at and below `paths`, and tell of each as it is done.

    A file that is broken comes as a failed record, and copies of others are passed over. Nothing is
    remembered: a repeated call sends all of them again. Raises DicomStoreError when the receiver
    does not answer, or no more.
    """
    manner = manner or Manner()
    echoed(receiver, manner.timeout)
    instances = in_paths(paths, LostLinks())
    found: Iterator[Instance | Known | Delivered | Record] = told_apart(instances)
    outcomes: Iterator[Known | Delivered | Record] = deliver(found, receiver, manner)
    for outcome in outcomes:
        if not isinstance(outcome, Known):
            yield outcome


def upload_dicom_store(
    dicom_root: str | Path,
    host: str,
    called_aet: str,
    *,
    port: int = 104,
    calling_aet: str = "XNATCTL",
    workers: int = 4,
    cleanup: bool = True,
) -> DICOMStoreSummary:
    """Send the DICOM files below a directory by C-STORE.

    Why files failed is told by `failures.ndjson` in `log_dir`, a new temporary folder; it is None
    when everything arrived, unless `cleanup` is false.

    Raises ValueError for arguments that cannot be and a directory without DICOM, RuntimeError when
    the receiver cannot be spoken with.
    """
    try:
        root = validate_dicom_directory(dicom_root)
        receiver = Receiver(
            host=host,
            port=validate_port(port) or 0,
            called_aet=validate_ae_title(called_aet, "called AE title"),
            calling_aet=validate_ae_title(calling_aet, "calling AE title"),
        )
        manner = Manner(workers=validate_workers(workers))
    except (ValidationError, ConfigurationError) as error:
        raise ValueError(error.message) from error
    workspace = Path(tempfile.mkdtemp(prefix="xnat-cstore-"))
    sent = 0
    try:
        with (workspace / "failures.ndjson").open("wb") as log:
            failures = 0
            for item in send_files([root], receiver, manner):
                failure = _failure(item)
                if failure is None:
                    sent += 1
                else:
                    failures += 1
                    log.write(json.dumps(failure).encode() + b"\n")
    except BaseException as error:
        shutil.rmtree(workspace, ignore_errors=True)
        if isinstance(error, DicomStoreError):
            raise RuntimeError(error.message) from error
        raise
    kept = bool(failures) or not cleanup
    if not kept:
        shutil.rmtree(workspace, ignore_errors=True)
    if not sent and not failures:
        raise ValueError(f"{dicom_root}: no DICOM files")
    return DICOMStoreSummary(
        total_files=sent + failures,
        sent=sent,
        failed=failures,
        log_dir=workspace if kept else None,
        workspace=workspace if kept else None,
        success=not failures,
    )


def _failure(item: Delivered | Record) -> Record | None:
    """The line of the log for a file that did not arrive."""
    if not isinstance(item, Delivered):
        return item
    if item.error is None:
        return None
    return {"path": item.instance.name, "error": error_facts(item.error)}
