"""How each kind of object is looked at and deleted."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from xnat_core.errors import OperationError, ValidationError
from xnat_core.models import Model
from xnat_core.services.base import document
from xnat_core.services.homes import Home
from xnat_core.services.projects import ProjectService
from xnat_core.services.resources import find_resource, is_listed
from xnat_core.services.sessions import session_path
from xnat_core.services.subjects import SubjectNotEmptyError, subject_path
from xnat_core.urls import path
from xnat_edit import contents
from xnat_edit.contents import Contents
from xnat_edit.objects import home_of_resource, scan_of, session_of, subject_of
from xnat_edit.removal import Removal, erase

if TYPE_CHECKING:
    from xnat_core.client import XNATClient
    from xnat_core.job import Job
    from xnat_core.records import Record

KINDS = ("project", "subject", "session", "scan", "resource", "file")


def look(job: Job, record: Record) -> Removal:
    """What deleting the object of a record comes to.

    Raises ResourceNotFoundError; ValidationError for an object that is only shared into the project
    that the record names; SubjectNotEmptyError or ProjectNotEmptyError for one with sessions,
    unless --force.
    """
    find = {
        "project": project,
        "subject": subject,
        "session": session,
        "scan": scan,
        "resource": resource,
    }
    return find[record["kind"]](job, record)


class ProjectNotEmptyError(OperationError):
    """The project has subjects or sessions, which a delete would take with it."""


def project(job: Job, record: Record) -> Removal:
    """A project; see `look`."""
    client, keep = job.client(record), job.args.flag("--keep-files")
    given = str(record.get("id") or "")
    found = ProjectService(client).get(given)
    if found.id != given:
        # An alias, or a spelling that the server forgives: too little for such a word.
        raise ValidationError(f"project {given!r} is called {found.id}: name it so", "project")
    inside = contents.of_project(client, found.id)
    if (inside.subjects or inside.sessions) and not _forced(job):
        raise ProjectNotEmptyError("delete", f"project {found.id!r} has {inside}: needs --force")
    where, about = path("data", "projects", found.id), ("project", found.id)
    remove = partial(erase, client, where, about, keep_files=keep)
    return _removal(record, found, f"project {found.id}", inside, client, remove)


def subject(job: Job, record: Record) -> Removal:
    """A subject; see `look`."""
    client, keep = job.client(record), job.args.flag("--keep-files")
    found = subject_of(client, record)
    inside = contents.of_subject(client, found)
    if inside.sessions and not _forced(job):
        raise SubjectNotEmptyError("delete", f"subject {found.label!r} has {inside}: needs --force")
    where, about = subject_path(found), ("subject", found.label)
    remove = partial(erase, client, where, about, keep_files=keep)
    return _removal(record, found, f"subject {found.project}/{found.label}", inside, client, remove)


def session(job: Job, record: Record) -> Removal:
    """A session; see `look`."""
    client, keep = job.client(record), job.args.flag("--keep-files")
    found = session_of(client, record)
    inside = contents.of_session(client, found)
    # Below its subject, where every server deletes; looked for where no other parent can hide it.
    where, there = session_path(found), path("data", "experiments", found.id)
    about = ("session", found.label)

    def is_gone() -> bool:
        return document(client, there, about) is None

    remove = partial(erase, client, where, about, keep_files=keep, is_gone=is_gone)
    return _removal(record, found, f"session {found.project}/{found.label}", inside, client, remove)


def scan(job: Job, record: Record) -> Removal:
    """A scan; see `look`."""
    client, keep = job.client(record), job.args.flag("--keep-files")
    found = scan_of(client, record)
    files = contents.of_resources(client, Home.of_scan(found))
    # Never through the project: there the path of a scan may be taken for that of its session.
    where = path("data", "experiments", str(found.session_id), "scans", found.id)
    name = f"{found.session}/{found.id}"
    remove = partial(erase, client, where, ("scan", name), keep_files=keep)
    return _removal(record, found, f"scan {name}", Contents(files=files), client, remove)


def resource(job: Job, record: Record) -> Removal:
    """A resource; see `look`."""
    client, keep = job.client(record), job.args.flag("--keep-files")
    home = home_of_resource(client, record)
    found = find_resource(client, home, str(record.get("label") or record.get("id") or ""))
    name = f"{home.about[1]}/{found.label or found.id}"
    if (record.get("id") or found.id) != found.id:
        # Made anew since it was listed, or among the input files of an assessor.
        raise OperationError("delete", f"resource {name} is not the one of the record any more")
    inside = Contents(files=contents.of_resource(client, found))

    def is_gone() -> bool:
        return not is_listed(client, home, found)

    about = ("resource", name)
    remove = partial(erase, client, str(found.uri), about, keep_files=keep, is_gone=is_gone)
    return _removal(record, found, f"resource {name}", inside, client, remove)


def _removal(
    record: Record,
    found: Model,
    name: str,
    inside: Contents,
    client: XNATClient,
    remove: Callable[[], None],
) -> Removal:
    known = {**record, **found.to_record(client.base_url), **inside.facts()}
    return Removal(known, f"{name} ({inside})", client.base_url, remove)


def _forced(job: Job) -> bool:
    return job.args.has("--force") and job.args.flag("--force")
