"""The records that tell what became of an upload."""

from __future__ import annotations

from typing import Any

from xnat_core.errors import DicomError, OperationError, UploadError, XNATCtlError
from xnat_core.models import PrearchiveEntry, Upload
from xnat_core.prearchive_rows import StagingError
from xnat_core.records import Record, done, failed, planned, skipped
from xnat_upload.inventory import Instance
from xnat_upload.plan import Order, Parcel, Unplannable
from xnat_upload.terms import Delivered, Incomplete, Manner, Mislanded

_OF_THE_INPUT = ("kind", "server", "uri", "outcome", "error", "session", "subject", "project")


def upload_record(order: Order, server: str, subject: str = "", session: str = "") -> Record:
    """What was to be uploaded, for records of failures and plans."""
    model = Upload(
        path=order.name,
        project=order.project,
        subject=subject or order.subject,
        session=session or order.session,
    )
    return _with_kept(model.to_record(server), order)


def of_parcel(parcel: Parcel, server: str) -> Record:
    """The same of one session."""
    return upload_record(
        parcel.order, server, parcel.destination.subject, parcel.destination.session
    )


def plan_record(parcel: Parcel, server: str, manner: Manner) -> Record:
    """What a dry run would have sent."""
    return planned(
        of_parcel(parcel, server),
        label=parcel.destination.session,
        mode=manner.mode,
        workers=manner.workers,
        overwrite=manner.overwrite,
        direct_archive=parcel.destination.archive,
        studies=len(parcel.studies),
        scans=sum(len(study.series) for study in parcel.studies),
        files=sum(study.files for study in parcel.studies),
        bytes=sum(study.bytes for study in parcel.studies),
    )


def done_record(
    parcel: Parcel, server: str, delivered: Delivered, seconds: float, wait: float
) -> Record:
    """What came of a session: one that is archived, or a row of the prearchive."""
    facts: dict[str, Any] = {
        "path": parcel.order.name,
        "files": delivered.sent.files,
        "bytes": delivered.sent.bytes,
        "seconds": seconds,
        "instances": delivered.wanted.files,
        "scans": sum(len(study.series) for study in parcel.studies),
    }
    if delivered.late is not None:
        return _late_record(parcel, server, delivered, facts, wait)
    facts["verified"] = delivered.verified
    if delivered.entry is not None:
        # Also beside a session that an earlier upload has made.
        facts["landed"] = "prearchive"
        record = delivered.entry.to_record(server)
    else:
        assert delivered.session is not None
        facts["landed"] = "archive"
        record = delivered.session.to_record(server)
    record = _with_kept(record, parcel.order)
    return done(record, **facts) if delivered.sent.files else skipped(record, **facts)


def beside_record(
    parcel: Parcel, server: str, delivered: Delivered, entry: PrearchiveEntry
) -> Record:
    """A further row of the prearchive; `done_record` tells what was sent."""
    record = _with_kept(entry.to_record(server), parcel.order)
    facts = {"path": parcel.order.name, "landed": "prearchive"}
    return done(record, **facts) if delivered.sent.files else skipped(record, **facts)


def _late_record(
    parcel: Parcel, server: str, delivered: Delivered, facts: dict[str, Any], wait: float
) -> Record:
    record = of_parcel(parcel, server)
    late = delivered.late
    if isinstance(late, StagingError):
        record = _with_kept(late.entry.to_record(server), parcel.order)
        facts["landed"] = "prearchive"
    elif delivered.landing is not None:
        record["uri"] = delivered.landing.uri
        facts["landed"] = delivered.landing.area
    if not wait:
        return done(record, **facts) if delivered.sent.files else skipped(record, **facts)
    return failed(
        record,
        OperationError(
            "",
            f"{parcel.destination.session}: everything was sent, but is not archived after "
            f"{wait:g} s; the same command waits on and sends nothing again",
        ),
        **facts,
    )


def failure_record(parcel: Parcel, server: str, error: XNATCtlError) -> Record:
    """Why a session is not where it was to be, and where it is."""
    record = of_parcel(parcel, server)
    if isinstance(error, Mislanded):
        return failed(record, error, uri=error.landing.uri, landed=error.landing.project)
    if isinstance(error, StagingError):
        return failed(record, error, uri=error.entry.uri, landed="prearchive")
    if isinstance(error, Incomplete):
        there = error.delivered.session or error.delivered.entry
        facts: dict[str, Any] = {"files": error.delivered.sent.files}
        if there is not None:
            facts["uri"] = there.uri
            facts["landed"] = "archive" if error.delivered.session else "prearchive"
        return failed(record, error.cause, **facts)
    return failed(record, error)


def unplannable_record(order: Order, server: str, error: Unplannable) -> Record:
    """Why a study was not uploaded."""
    return failed(upload_record(order, server, error.subject, error.session), error)


def file_record(server: str, error: XNATCtlError) -> Record:
    """A file that could not be uploaded; the rest was."""
    path = error.file_path if isinstance(error, (UploadError, DicomError)) else None
    return failed({"kind": "file", "server": server, "path": str(path or "")}, error)


def _with_kept(record: Record, order: Order) -> Record:
    """Add what only the input knows; where the session is, the server says."""
    kept = (item for item in order.record.items() if item[0] not in _OF_THE_INPUT)
    return {**record, **{key: value for key, value in kept if key not in record}}


def left_out_record(server: str, instance: Instance, reason: str) -> Record:
    """An instance that the server refused, or that could not be read any more."""
    error = UploadError(reason, instance.path)
    error.message = reason
    return failed({"kind": "file", "server": server, "path": instance.where}, error)
