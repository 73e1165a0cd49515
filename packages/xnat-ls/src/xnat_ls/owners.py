"""Whose resources are asked for: the words that `resources` and `files` have in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xnat_core.errors import ResourceNotFoundError, UsageError
from xnat_ls.objects import arrived, named, scan_of, session_of, subject_of

if TYPE_CHECKING:
    from xnat_core.client import XNATClient
    from xnat_core.job import Job
    from xnat_core.records import Record
    from xnat_core.services.homes import Home

_OWNERS = ("session", "scan", "resource", "subject", "project")


@dataclass(frozen=True)
class Asked:
    """A session, or a subject or project without one; a scan; labels of resources."""

    session: str | None
    subject: str | None
    project: str | None
    scan: str | None
    labels: tuple[str, ...]

    @classmethod
    def of(cls, job: Job) -> Asked:
        """From the command line. Raises UsageError for a scan of no session."""
        args = job.args
        session, labels = args.text("<session>"), args.texts("<resource>")
        if experiment := args.text("--experiment"):
            labels = (session, *labels) if session else labels
            session = experiment
        session = None if session == "-" else session
        asked = cls(
            session, args.text("--subject"), args.text("--project"), args.text("--scan"), labels
        )
        if asked.scan and not session and (asked.subject or asked.project):
            raise UsageError("--scan needs a session: -E SESSION")
        return asked

    @property
    def named(self) -> bool:
        """Whether the command line names an owner, so that standard input is not read."""
        return bool(self.session or self.subject or self.project)

    def records(self, job: Job) -> Iterator[Record]:
        """The record of the owner that is named, or those that come in."""
        if self.session:
            return named("session", [self.session], project=job.project(), subject=self.subject)
        if self.subject:
            return named("subject", [self.subject], project=job.required_project())
        if self.project:
            return iter([{"kind": "project", "id": self.project}])
        kinds = ("session",) if self.scan else _OWNERS
        return arrived(job.records(*kinds))

    def wants(self, label: str | None, number: str | None) -> bool:
        """Whether a resource is asked for; one without a label is called by its number."""
        return not self.labels or (label or number) in self.labels


def home_of(client: XNATClient, record: Record, scan: str | None) -> Home:
    """Where the resources of a record's object are, or those of a scan of the session.

    Raises ResourceNotFoundError.
    """
    from xnat_core.services.homes import Home
    from xnat_core.services.scans import find_scan

    kind = record["kind"]
    if kind == "project":
        return Home.of_project(record["id"])
    if kind == "subject":
        return Home.of_subject(subject_of(client, record))
    if kind == "scan":
        return Home.of_scan(scan_of(client, record))
    session = session_of(client, record)
    return Home.of_scan(find_scan(client, session, scan)) if scan else Home.of_session(session)


def no_resource(client: XNATClient, home: Home, label: str) -> Record:
    """The failed record of a resource that its owner does not have."""
    from xnat_core.models import Resource
    from xnat_core.records import failed

    lacking = Resource.from_row({"label": label}, **home.known).to_record(client.base_url)
    return failed(lacking, ResourceNotFoundError("resource", f"{home.about[1]}/{label}"))
