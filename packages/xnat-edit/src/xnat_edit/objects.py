"""Which objects a command is about: named on the command line, or by records that came in.

Both become records, and a record becomes the object as the server has it now: what a record says
may be old, and changes are made by accession ID.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote

from xnat_core.errors import ResourceNotFoundError, UsageError, ValidationError

if TYPE_CHECKING:
    from xnat_core.client import XNATClient
    from xnat_core.job import Job
    from xnat_core.models import Scan, Session, Subject
    from xnat_core.records import Record
    from xnat_core.services.homes import Home
    from xnat_core.services.sharing import Shared

_IMAGE_IN_URI = re.compile(r"/reconstructions/([^/]+)(?:/in|/out)?/resources/")


def asked(job: Job, *kinds: str) -> Iterable[Record]:
    """The one object that -P, -S, -E and --scan name, or the records on standard input.

    Raises UsageError for what is not one of `kinds`, and --only narrows these.
    """
    only = job.args.text("--only") if job.args.has("--only") else None
    if only is not None and only not in kinds:
        raise UsageError(f"--only {only}: must be one of {', '.join(kinds)}")
    kinds = kinds if only is None else (only,)
    record = named(job)
    if record is None:
        return job.records(*kinds)
    if record["kind"] not in kinds:
        known = {"project": "-P", "subject": "-S", "session": "-E", "scan": "--scan"}
        wanted = ", ".join(f"{known[kind]} for a {kind}" for kind in kinds if kind in known)
        raise UsageError(f"a {record['kind']} is named where this needs {wanted}")
    return [record]


def named(job: Job) -> Record | None:
    """The record of the object that -P, -S, -E and --scan name; None when none of them is given."""

    def word(option: str) -> str | None:
        return job.args.text(option) if job.args.has(option) else None

    project, subject, session = word("--project"), word("--subject"), word("--experiment")
    scan = word("--scan")
    if scan and not session:
        raise UsageError("--scan needs a session: -E SESSION")
    if session:
        parents = {"project": project or job.project(), "subject": subject}
        known = {key: value for key, value in parents.items() if value}
        if scan:
            return {"kind": "scan", "id": scan, "session": session, **known}
        return {"kind": "session", "label": session, **known}
    if subject:
        return {"kind": "subject", "label": subject, "project": job.required_project()}
    return {"kind": "project", "id": project} if project else None


def words(job: Job, name: str) -> tuple[str, ...]:
    """The arguments of this name; none of them when they say that records come in."""
    given = job.args.texts(name)
    return () if given == ("-",) else given


def subject_of(client: XNATClient, record: Record, *, own: bool = True) -> Subject:
    """The subject of a record, as its own project has it.

    Raises ResourceNotFoundError; and unless `own` is False, ValidationError for one that is only
    shared into the project that the record names.
    """
    from xnat_core.services.lookup import find_subject

    project = record.get("project")
    if record.get("id"):
        found = find_subject(client, str(record["id"]))
        seen_in = project or found.project
    else:
        found = find_subject(client, str(record.get("label") or ""), project)
        require_one(client, record, found.id)
        seen_in = found.project
        if found.primary_project:
            found = find_subject(client, found.id)
    _require_own(client, "subject", found.label, found.project, seen_in, own=own)
    return found


def session_of(client: XNATClient, record: Record, *, own: bool = True) -> Session:
    """The session of a record, as its own project has it; raises as `subject_of`."""
    from xnat_core.services.lookup import find_session

    project = record.get("project")
    if record.get("id"):
        identifier = str(record["id"])
        found = find_session(client, identifier)
        if found.id != identifier:
            raise ResourceNotFoundError("session", identifier)
        seen_in = project or found.project
    else:
        label = str(record.get("label") or "")
        seen = find_session(client, label, project, record.get("subject"))
        require_one(client, {"kind": "session", "label": label}, seen.id)
        found, seen_in = find_session(client, seen.id), seen.project
    _require_own(client, "session", found.label, found.project, seen_in, own=own)
    return found


def shared_of(client: XNATClient, record: Record) -> Shared:
    """The session or subject of a record and where it is shown. Raises as `subject_of`."""
    from xnat_core.services.sharing import Shared

    if record["kind"] == "session":
        return Shared.look(client, session_of(client, record, own=False))
    return Shared.look(client, subject_of(client, record, own=False))


def session_of_scan(client: XNATClient, record: Record, *, own: bool = True) -> Session:
    """The session that a record of a scan, a resource or a file is of; raises as `subject_of`."""
    parent = {"project": record.get("project")}
    if record.get("session_id"):
        return session_of(client, {"id": record["session_id"], **parent}, own=own)
    known = {"label": record.get("session"), "subject": record.get("subject")}
    return session_of(client, {**known, **parent}, own=own)


def scan_of(client: XNATClient, record: Record) -> Scan:
    """The scan of a record. Raises as `subject_of`."""
    from xnat_core.services.scans import find_scan

    session = session_of_scan(client, record)
    return find_scan(client, session, str(record.get("id") or ""))


def home_of(client: XNATClient, record: Record) -> Home:
    """Where the resources of a project, subject, session or scan are. Raises as `subject_of`."""
    from xnat_core.services.homes import Home
    from xnat_core.services.projects import ProjectService

    kind = record["kind"]
    if kind == "project":
        return Home.of_project(ProjectService(client).get(str(record.get("id") or "")).id)
    if kind == "subject":
        return Home.of_subject(subject_of(client, record))
    if kind == "scan":
        return Home.of_scan(scan_of(client, record))
    return Home.of_session(session_of(client, record))


def home_of_resource(client: XNATClient, record: Record) -> Home:
    """Where the resource that a record of a resource or a file names is. Raises as `home_of`."""
    from xnat_core.services.homes import Home, require_whole
    from xnat_core.services.scans import find_scan

    require_whole(record)
    if record.get("session_id") or record.get("session"):
        session = session_of_scan(client, record)
        if record.get("scan"):
            return Home.of_scan(find_scan(client, session, str(record["scan"])))
        home = Home.of_session(session)
        if record.get("assessor"):
            return home.below("assessors", str(record["assessor"]))
        # Nothing but its URI tells what is of a reconstruction.
        image = _IMAGE_IN_URI.search(str(record.get("uri") or ""))
        return home.below("reconstructions", unquote(image[1])) if image else home
    if record.get("subject_id") or record.get("subject"):
        known = {"id": record.get("subject_id"), "label": record.get("subject")}
        return home_of(client, {"kind": "subject", "project": record.get("project"), **known})
    return home_of(client, {"kind": "project", "id": record.get("project")})


def number_in(record: Record) -> str | None:
    """The number of the resource, which the `uri` of a file has where others have a label."""
    name = str(record.get("uri") or "").partition("/resources/")[2].partition("/")[0]
    return name if name.isdigit() else None


def each_label(record: Record | None, labels: Iterable[str], kind: str) -> Iterator[Record]:
    """A record of `kind` for each label, below the object that `record` names."""
    parents = dict(record or {})
    owner = parents.pop("kind", None)
    if owner == "session":
        parents["session"] = parents.pop("label")
    elif owner == "scan":
        parents["scan"] = parents.pop("id")
    elif owner == "subject":
        parents["subject"] = parents.pop("label")
    elif owner == "project":
        parents["project"] = parents.pop("id")
    for label in labels:
        yield {"kind": kind, "label": label, **parents}


def require_one(client: XNATClient, record: Record, found: str) -> None:
    """Raise ValidationError for a word that is the label of one object and another's ID."""
    from xnat_core.services.base import document, fields
    from xnat_core.urls import path

    kind, word = record["kind"], str(record.get("label") or "")
    if word == found:
        return
    level = "subjects" if kind == "subject" else "experiments"
    other = document(client, path("data", level, word), (kind, word))
    if other is not None and fields(other).get("ID") == word:
        raise ValidationError(
            f"{kind} {word!r} is the label of {found} and the accession ID of another: say {found}",
            kind,
        )


def _require_own(
    client: XNATClient,
    kind: str,
    label: str,
    owner: str | None,
    seen_in: str | None,
    *,
    own: bool,
) -> None:
    from xnat_core.services.lookup import project_id

    if not (own and seen_in and owner) or owner == seen_in:
        return
    # A record says what its listing was asked for, which may be an alias of the owner.
    if owner != project_id(client, seen_in):
        raise ValidationError(
            f"{kind} {label!r} belongs to project {owner} and is only shared into {seen_in}: name "
            f"it there, or take it out with 'xnat-edit unshare {seen_in}'",
            kind,
        )
