"""Upload files into a resource of a session, a scan, a subject or a project.

Usage:
  xnat-upload resource [options] [<session> <label>] [<path>]...

With SESSION and LABEL the files go to the resource LABEL of that session. With '-' for SESSION the
resource belongs to the subject (-S) or the project (-P). Without any of these, records are read:
{"kind": "upload", "path": …, "resource": …, "project": …, "subject": …, "session": …, "scan": …}

Options:
  -P --project=<id>      Project; else the default project of the profile.
  -S --subject=<name>    With '-' for SESSION: the subject that the resource belongs to.
  --scan=<id>            The scan of SESSION that the resource belongs to.
  --format=<name>        Format to note for the files, e.g. NIFTI.
  --content=<name>       Content to note for the files, e.g. RAW.
  --tags=<words>         Tags to note for the files, separated by commas.
  --overwrite            Replace files of the same name that have other content, or no digest that
                         would tell.
  --extract              PATH is an archive that the server shall unpack (.zip .tar .tar.gz .tgz).
  --verify               Fail where the server has no digest to compare with.
  --dry-run              Say what would be sent, and send nothing.
  -w --workers=<n>       How many resources at once, with records.

A file is sent as it is; the files of a folder keep their paths in it. What is there already with
the same content is not sent again, so an interrupted upload is simply repeated. Afterwards sizes
and digests are compared with the server's. Files that come this way pass neither the project's
anonymization nor its pipelines: DICOM belongs into 'xnat-upload dicom'.

Examples:
  xnat-upload resource -P NEURO SUB01_MR1 NIFTI ./nifti --format NIFTI
  xnat-upload resource -P NEURO - PROTOCOLS protocol.pdf
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from xnat_core.archive.members import Member
from xnat_core.errors import IntegrityError, PathValidationError, UploadError, UsageError
from xnat_core.job import Job
from xnat_core.parallel import Turns
from xnat_core.presence import exists
from xnat_core.records import Record, RecordError, done, planned, skipped
from xnat_core.services.by_id import session_meant
from xnat_core.services.filling import fill, plan_fill, unpack
from xnat_core.services.homes import Home, require_whole
from xnat_core.services.local_members import members_below
from xnat_core.services.lookup import OnlyShared, find_subject
from xnat_core.services.projects import ProjectService
from xnat_core.services.resources import address_of
from xnat_core.services.scans import find_scan
from xnat_core.urls import path
from xnat_core.user_paths import expanded
from xnat_core.validation import validate_resource_label
from xnat_core.wording import counted

if TYPE_CHECKING:
    from xnat_core.client import XNATClient


def work(job: Job) -> Iterator[Record]:
    """A record per resource that was filled."""
    if job.args.flag("--extract") and job.args.flag("--dry-run"):
        raise UsageError("--dry-run cannot look into an archive that the server shall unpack")
    yield from job.each(_Uploading(job).record_of, job.within_bounds(_wanted(job)))


class _Uploading:
    """What is done for each record, by several threads."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._overwrite = job.args.flag("--overwrite")
        self._fields = {name: job.args.text(f"--{name}") for name in ("format", "content", "tags")}
        self._turns = Turns()

    def record_of(self, record: Record) -> Iterable[Record]:
        """Fill the resource that a record names."""
        client = self._job.client(record)
        label = validate_resource_label(str(record.get("resource") or ""))
        paths = [expanded(word) for word in _paths(record)]
        home = _home(client, record)
        address = address_of(client, home, label)
        known = _target(client, home, label, address)
        # One writer for each: the server fails when several contend for the catalog of one, and
        # of two that replace a file, each would find that of the other.
        with self._turns.at(known["uri"]):
            if self._job.args.flag("--extract"):
                return [self._unpacked(client, home, address, paths, record | known)]
            return [self._filled(client, home, address, members_of(paths), record | known)]

    def _filled(
        self, client: XNATClient, home: Home, label: str, members: list[Member], record: Record
    ) -> Record:
        begin = monotonic()
        plan = plan_fill(client, home, label, members, overwrite=self._overwrite)
        facts: dict[str, Any] = {"files": len(plan.missing), "bytes": plan.bytes}
        if plan.missing:
            self._job.bounds.begin()
        if self._job.args.flag("--dry-run"):
            return planned(record, **facts, there=plan.there)
        if not plan.missing:
            self._require_digests(home, label, plan.unverifiable)
            return skipped(record, files=0, bytes=0, there=plan.there)
        if self._job.args.texts("<path>"):
            self._job.progress.start(plan.bytes, None, label)
        else:
            # Others are being filled: to begin anew would forget them.
            self._job.progress.expect(bytes=plan.bytes)
        came = fill(
            client,
            home,
            label,
            plan,
            overwrite=self._overwrite,
            fields=self._fields,
            watch=lambda size: self._job.progress.advance(bytes=size),
            bounds=self._job.bounds,
        )
        self._require_digests(home, label, came.unverifiable)
        seconds = round(monotonic() - begin, 3)
        return done(record, **facts, seconds=seconds, verified=not came.unverifiable)

    def _require_digests(self, home: Home, label: str, unverifiable: int) -> None:
        if unverifiable and self._job.args.flag("--verify"):
            raise IntegrityError(
                f"{home.about[1]}/{label}: the server has no digest of "
                f"{counted(unverifiable, 'file')} "
                "('xnat-admin refresh-catalogs --option checksum' makes them)"
            )

    def _unpacked(
        self, client: XNATClient, home: Home, label: str, paths: list[Path], record: Record
    ) -> Record:
        begin = monotonic()
        begin_one = self._job.bounds.beginner()
        everything = [
            unpack(
                *(client, home, label, archive),
                overwrite=self._overwrite,
                fields=self._fields,
                begin=begin_one,
            )
            for archive in paths
        ]
        unverifiable = sum(came.unverifiable for came in everything)
        self._require_digests(home, label, unverifiable)
        facts = {"bytes": sum(came.bytes for came in everything)}
        if not facts["bytes"]:
            return skipped(record, **facts, there=sum(came.skipped for came in everything))
        seconds = round(monotonic() - begin, 3)
        return done(record, **facts, seconds=seconds, verified=not unverifiable)


def members_of(paths: list[Path]) -> list[Member]:
    """The files that the paths stand for, with their names in the resource.

    Raises PathValidationError for a path that is not there, UploadError for two files that would
    have one name.
    """
    members: dict[str, Member] = {}
    for named in paths:
        if not exists(named):
            raise PathValidationError(named, "does not exist")
        for member in members_below(named) if named.is_dir() else [Member.of(named, named.name)]:
            other = members.setdefault(member.name, member)
            if other.path.resolve() != member.path.resolve():
                raise UploadError(
                    f"{other.path} and {member.path} would both become {member.name}", member.path
                )
    if not members:
        raise UploadError("no files are named")
    return list(members.values())


def _wanted(job: Job) -> Iterable[Record]:
    """The record that the command line stands for, or those of standard input."""
    session, label = job.args.text("<session>"), job.args.text("<label>")
    if session is None and not job.args.texts("<path>"):
        return job.records("upload")
    if not label or not job.args.texts("<path>"):
        raise UsageError("SESSION LABEL PATH are needed, '-' for SESSION with -S or -P alone")
    project, scan, subject = job.project(), job.args.text("--scan"), job.args.text("--subject")
    if session == "-":
        if not project:
            raise UsageError("a resource of a subject or a project needs -P PROJECT")
        if scan:
            raise UsageError("--scan needs a SESSION")
    elif subject:
        raise UsageError("--subject is for resources of subjects: give '-' for SESSION")
    record: Record = {
        "kind": "upload",
        "project": project,
        "subject": subject,
        "session": None if session == "-" else session,
        "scan": scan,
        "resource": label,
        "path": list(job.args.texts("<path>")),
    }
    if len(record["path"]) == 1:
        record["path"] = record["path"][0]
    return [{key: value for key, value in record.items() if value is not None}]


def _paths(record: Record) -> list[str]:
    given = record.get("path")
    words = [word for word in (given if isinstance(given, list) else [given]) if word]
    if not words or not all(isinstance(word, str) for word in words):
        raise RecordError("an upload record needs a path")
    return [str(word) for word in words]


def _home(client: XNATClient, record: Record) -> Home:
    """The owner that a record names: scan, session, subject or project, the innermost of them."""
    require_whole(record)
    named = {key: record.get(key) for key in ("project", "subject", "session", "scan")}
    project = str(named["project"]) if named["project"] else None
    session_id = record.get("session_id")
    if session_id or named["session"]:
        session = session_meant(client, session_id, named["session"], project, own=True)
        if named["scan"]:
            return Home.of_scan(find_scan(client, session, str(named["scan"])))
        return Home.of_session(session)
    if not project:
        raise RecordError("an upload record with a resource needs a session or a project")
    if named["subject"]:
        subject = find_subject(client, str(named["subject"]), project)
        if subject.primary_project:
            raise OnlyShared(str(named["subject"]), project, subject.primary_project, "subject")
        return Home.of_subject(subject)
    return Home.of_project(ProjectService(client).get(project).id)


def _target(client: XNATClient, home: Home, label: str, address: str) -> Record:
    known = {key: value for key, value in home.known.items() if value}
    scan = known.pop("scan_id", None)
    return {
        "server": client.base_url,
        **known,
        **({"scan": scan} if scan else {}),
        "resource": label,
        "uri": home.path + path("resources", address),
    }
