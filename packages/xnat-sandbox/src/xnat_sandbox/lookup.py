"""From path variables to items, with the rights of the caller."""

from __future__ import annotations

from .context import Context
from .model import Experiment, Project, Reconstruction, Scan, Subject
from .responses import StatusError

PROJECT = "/projects/{project}"
SUBJECT = PROJECT + "/subjects/{subject}"
FLAT_SUBJECT = "/subjects/{subject}"
PROJECT_EXPERIMENT = PROJECT + "/experiments/{experiment}"
SCOPED_EXPERIMENT = SUBJECT + "/experiments/{experiment}"
FLAT_EXPERIMENT = "/experiments/{experiment}"
SESSIONS = (SCOPED_EXPERIMENT, FLAT_EXPERIMENT)
SCANS = tuple(f"{form}/scans/{{scan}}" for form in SESSIONS)
ASSESSORS = tuple(f"{form}/assessors/{{assessor}}" for form in SESSIONS)
RECONSTRUCTIONS = tuple(f"{form}/reconstructions/{{reconstruction}}" for form in SESSIONS)


def readable_project(context: Context, key: str) -> Project:
    """A project whose data the caller reads: 404 when unknown or hidden, 403 when only visible."""
    project = context.project(key)
    context.require(context.caller.may("read", project.id))
    return project


def subject_of(context: Context, subject: str, project: str = "") -> Subject:
    """A subject that the caller may read; 404 otherwise."""
    found = find_subject(context, subject, project)
    if found is None:
        raise StatusError(404, "Unable to identify subject")
    return found


def find_subject(context: Context, subject: str, project: str = "") -> Subject | None:
    """A subject by label or id in a project, or by id alone, as far as the caller may read it."""
    items = context.store.items
    if project:
        owner = items.project(project)
        if owner is None or not context.caller.may("read", owner.id):
            return None
        return items.subject_in(owner.id, subject)
    found = items.subject(subject)
    return found if found and reads(context, found) else None


def experiment_of(context: Context, experiment: str, project: str = "") -> Experiment:
    """An experiment that the caller may read; 404 otherwise."""
    found = find_experiment(context, experiment, project)
    if found is None:
        raise StatusError(404, "Unable to identify experiment")
    return found


def find_experiment(context: Context, experiment: str, project: str = "") -> Experiment | None:
    """An experiment by label or id in a project, or by id alone, if the caller may read it."""
    items = context.store.items
    if project:
        owner = items.project(project)
        if owner is None or not context.caller.may("read", owner.id):
            return None
        return items.experiment_in(owner.id, experiment)
    found = items.experiment(experiment)
    return found if found and reads(context, found) else None


def reads(context: Context, item: Subject | Experiment) -> bool:
    """Whether the caller reads an item through its own project or one it is shared into."""
    if context.caller.may("read", item.project):
        return True
    shares = context.store.items.shares(item.id)
    return any(context.caller.may("read", share.project) for share in shares)


def assessor_of(context: Context, session: Experiment, key: str) -> Experiment:
    """An assessor of a session by label or id; 404 otherwise."""
    for assessor in context.store.items.assessors(session.id):
        if key in (assessor.id, assessor.label):
            return assessor
    raise StatusError(404, "Unable to identify assessor")


def scan_of(context: Context, session: Experiment, id: str) -> Scan:
    """A scan of a session; 404 otherwise."""
    found = context.store.items.scan(session.id, id)
    if found is None:
        raise StatusError(404, "Unable to identify scan")
    return found


def reconstruction_of(context: Context, session: Experiment, id: str) -> Reconstruction:
    """A reconstruction of a session; 404 otherwise."""
    found = context.store.items.reconstruction(session.id, id)
    if found is None:
        raise StatusError(404, "Unable to identify reconstruction")
    return found
