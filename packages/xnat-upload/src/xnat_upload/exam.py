"""Upload a whole exam folder: its DICOM as a session, everything else as resources of it.

Usage:
  xnat-upload exam [options] <root>

DICOM anywhere below ROOT, also in zips, is uploaded, one request per file. Each folder directly
below ROOT without any DICOM becomes a resource of the session, named after it (with _ for what no
label may hold); files directly in ROOT that are not DICOM become one resource. Hidden names and
what else lies among DICOM are passed over.

Options:
  -P --project=<id>        Project; or the default project of the profile.
  -S --subject=<label>     Subject, made if it does not exist.
  -E --experiment=<label>  Session.
  -w --workers=<n>         Requests at once.
  --direct-archive         Into the archive.
  --prearchive             Into the prearchive; resources are attached when it has been archived.
  --wait=<seconds>         How long to wait for the archived session, 0 not at all. [default: 900]
  --wait-interval=<secs>   How often to look. [default: 5]
  --misc-label=<label>     Resource for loose files. [default: MISC]
  --skip-resources         Only the DICOM.
  --attach-only            Only the resources; the session is there already.
  --overwrite              Replace files of resources that have other content.
  --dry-run                Say what would be sent, from the files alone; the server is not asked.

What is there already is not sent again, so the same command completes an interrupted one.

Example:
  xnat-upload exam /incoming/20240502_SUB01 -P NEURO -S SUB01 -E SUB01_MR1
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xnat_core.archive.members import Member
from xnat_core.commandline import Args
from xnat_core.errors import (
    OperationError,
    ResourceNotFoundError,
    UploadError,
    XNATCtlError,
    explain,
)
from xnat_core.job import Job
from xnat_core.models import PrearchiveEntry, Session
from xnat_core.parallel import rest
from xnat_core.prearchive import Prearchive
from xnat_core.records import Record, done, failed, planned, skipped
from xnat_core.services.filling import fill, plan_fill
from xnat_core.services.homes import Home
from xnat_core.services.lookup import find_session, project_id
from xnat_core.services.resources import address_of
from xnat_core.user_paths import existing_folder
from xnat_core.validation import (
    validate_lookup,
    validate_resource_label,
    validate_session_id,
    validate_subject_id,
)
from xnat_upload.exam_folder import Exam, look_into
from xnat_upload.plan import Order
from xnat_upload.terms import Manner
from xnat_upload.uploads import Uploads
from xnat_upload.whose import require_subject

if TYPE_CHECKING:
    from xnat_core.client import XNATClient


def work(job: Job) -> Iterator[Record]:
    """One record of the session, and before it one for each thing that failed."""
    args = job.args
    args.only_one("--skip-resources", "--attach-only")
    args.only_one("--direct-archive", "--prearchive")
    root = existing_folder(args.required("<root>"))
    asked = known = _asked(job, root)
    misc = validate_resource_label(args.text("--misc-label") or "")
    exam = look_into(root, misc)
    if not exam.has_dicom and not args.flag("--attach-only"):
        raise UploadError(f"{root}: no DICOM found; --attach-only attaches resources alone", root)
    resources = {"skipped": args.flag("--skip-resources"), **exam.facts(misc)}
    if args.flag("--dry-run"):
        facts = {"dicom": {"skipped": args.flag("--attach-only")}, "resources": resources}
        yield planned(known, **facts)
        return
    dicom: dict[str, Any] = {"skipped": True, "total": 0, "uploaded": 0}
    if not args.flag("--attach-only"):
        for record in _uploaded(job, exam, asked):
            if record.get("outcome") == "failed":
                yield record
                continue
            dicom = {
                "skipped": False,
                "total": record.get("instances", record.get("files", 0)),
                "uploaded": record.get("files", 0),
            }
            known = {**known, **record}
        if dicom["skipped"]:
            return  # All of it failed, and that has been told.
    sent = 0
    if not args.flag("--skip-resources") and exam.resources:
        try:
            row = None if args.flag("--attach-only") else _row_of(known)
            archived = _archived(job, asked["project"], asked["session"], row)
            require_subject(archived, asked["subject"])
        except XNATCtlError as error:
            yield failed(known, error, dicom=dicom, resources=resources)
            return
        known = {**known, **archived.to_record(job.client().base_url)}
        for label, members in exam.resources.items():
            try:
                sent += _attached(job, archived, label, members)
            except (XNATCtlError, OSError) as error:
                # A file that has gone meanwhile is no reason to leave the others out.
                why = explain(error) if isinstance(error, OSError) else error
                whose = {"session": asked["session"], "resource": label}
                yield failed({"kind": "upload", **whose}, why)
    facts = {"dicom": dicom, "resources": {**resources, "uploaded": sent}}
    changed = dicom["uploaded"] or sent
    yield done(known, **facts) if changed else skipped(known, **facts)


def _asked(job: Job, root: Path) -> Record:
    """The session as the command line names it."""
    project = job.required_project()
    session, subject = job.args.required("--experiment"), job.args.required("--subject")
    if job.args.flag("--attach-only"):
        # What is there already may be called as nothing can be called any more.
        validate_lookup(session, "session ID")
        validate_lookup(subject, "subject ID")
    else:
        session, subject = validate_session_id(session), validate_subject_id(subject)
    return {
        "kind": "session",
        "server": job.profile.url,
        "label": session,
        "project": project,
        "subject": subject,
        "session": session,
        "exam_root": str(root),
    }


def _uploaded(job: Job, exam: Exam, asked: Record) -> Iterator[Record]:
    """What became of the DICOM."""
    profile = job.profile
    direct = True if profile.direct_archive is None else profile.direct_archive
    archive = job.args.flag("--direct-archive") or (direct and not job.args.flag("--prearchive"))
    wait = job.args.number("--wait", least=0) or 0.0
    manner = Manner(mode="gradual", workers=job.workers, wait=wait)
    whose = (asked["project"], asked["subject"], asked["session"])
    order = Order((exam.root,), *whose, archive)
    attached = {member.path for members in exam.resources.values() for member in members}
    yield from Uploads(job, manner, attached=attached).records([order])


def _row_of(record: Record) -> PrearchiveEntry | None:
    """The row that DICOM waits in, if it does."""
    waits = record.get("landed") == "prearchive" and record.get("timestamp")
    return PrearchiveEntry.from_record(record) if waits else None


def _session_of(
    client: XNATClient, project: str, session: str, row: PrearchiveEntry | None
) -> Session:
    """The session in the archive, when the row is no longer there. Raises ResourceNotFoundError,
    also for what is in its place: one of another study, or of another project that has the label
    for its accession ID."""
    missing = ResourceNotFoundError("session", f"{project}/{session}")
    if row is not None and Prearchive(client).find(row) is not None:
        raise missing
    found = find_session(client, session, project, own=True)
    if found.project != project and found.project != project_id(client, project):
        raise missing
    if row is not None and row.uid and found.uid and row.uid != found.uid:
        missing.message += f"; {found.label} is of another study ({found.uid})"
        raise missing
    return found


def _archived(job: Job, project: str, session: str, row: PrearchiveEntry | None) -> Session:
    """The archived session, waited for. Raises OperationError naming the command that goes on,
    and with --attach-only ResourceNotFoundError."""
    patience = job.args.number("--wait", least=0) or 0.0
    interval = job.args.number("--wait-interval", least=0.05) or 5.0
    deadline = time.monotonic() + patience
    told = False
    while True:
        try:
            return _session_of(job.client(), project, session, row)
        except ResourceNotFoundError as error:
            left = deadline - time.monotonic()
            if left <= 0 and job.args.flag("--attach-only"):
                error.message += f", and has not come within {patience:g} s"
                raise
            if left <= 0:
                raise OperationError(
                    "",
                    f"{session}: the DICOM was sent, but the session is not archived after "
                    f"{patience:g} s, so its resources are missing; when it is: "
                    f"{_continuation(job.args, project)}",
                ) from None
            if not told:
                wanted = f"session {project}/{session} to be archived"
                job.console.info(f"waiting up to {patience:g} s for {wanted} (--wait)")
                told = True
            rest(min(interval, left))


def _attached(job: Job, session: Session, label: str, members: list[Member]) -> int:
    """Fill one resource; how many files were sent."""
    overwrite = job.args.flag("--overwrite")
    home = Home.of_session(session)
    client = job.client()
    label = address_of(client, home, label, by_number=False)
    plan = plan_fill(client, home, label, members, overwrite=overwrite)
    job.progress.start(plan.bytes, None, label)
    return fill(
        client,
        home,
        label,
        plan,
        overwrite=overwrite,
        watch=lambda size: job.progress.advance(bytes=size),
    ).sent


def _continuation(args: Args, project: str) -> str:
    """The command that attaches the resources as this one would have, on the same server."""
    given = {"-P": project, "-S": args.text("--subject"), "-E": args.text("--experiment")}
    words = ["xnat-upload", "exam", args.required("<root>")]
    words += [word for option, value in given.items() for word in (option, value or "")]
    words.append("--attach-only")
    if args.text("--misc-label") != "MISC":
        words += ["--misc-label", args.text("--misc-label") or ""]
    if args.flag("--overwrite"):
        words.append("--overwrite")
    for option in ("--profile", "--url", "--username"):
        if value := args.text(option):
            words += [option, value]
    return shlex.join(words)
