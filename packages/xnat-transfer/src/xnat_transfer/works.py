"""What a run consists of: one piece of work for the project, each subject and each experiment."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from xnat_core.client import XNATClient
from xnat_core.errors import ResourceNotFoundError
from xnat_core.models import Session, Subject
from xnat_core.records import Record
from xnat_core.services.by_id import names_another, session_meant
from xnat_core.services.lookup import (
    SESSION_COLUMNS,
    find_subject,
    has_subject,
    session_of_row,
    subjects_in,
)
from xnat_core.urls import path
from xnat_transfer.contents import is_imaging
from xnat_transfer.filters import WHOLE, Filtering, SessionRules
from xnat_transfer.owners import SubjectCase
from xnat_transfer.route import Route


@dataclass(frozen=True, slots=True)
class ProjectWork:
    """The resources of the project."""

    project: str
    record: Record


@dataclass(frozen=True, slots=True)
class SubjectWork:
    """A subject and its resources; its `experiments` are works of their own."""

    case: SubjectCase
    experiments: int
    record: Record


@dataclass(frozen=True, slots=True)
class ExperimentWork:
    """A session, or another experiment of a subject."""

    case: SubjectCase
    session: Session
    rules: SessionRules
    record: Record


@dataclass(frozen=True, slots=True)
class RecordWork:
    """A session that a record names."""

    record: Record


Work = ProjectWork | SubjectWork | ExperimentWork | RecordWork


def of_project(route: Route, project: str) -> Iterator[Work]:
    """All of a project, as its listings come."""
    source = route.source
    record: Record = {
        "kind": "project",
        "server": source.base_url,
        "uri": path("data", "projects", project),
        "id": project,
    }
    # Listed first: of a project that cannot be read there is one thing to say, once.
    subjects = subjects_in(source, project)
    yield ProjectWork(project, record)
    listed = set[str]()
    for subject in subjects:
        case = SubjectCase(route, subject)
        experiments = _experiments(source, subject)
        listed.update(session.id for session in experiments)
        chosen = [
            (session, rules)
            for session in experiments
            if (rules := rules_for(route.config.filtering, session)) is not None
        ]
        yield SubjectWork(case, len(chosen), subject.to_record(source.base_url))
        for session, rules in chosen:
            yield ExperimentWork(case, session, rules, session.to_record(source.base_url))
    # An experiment may be shared without its subject, and a listing of a subject fall short.
    for session in _experiments_of_all(source, project):
        if session.id not in listed and rules_for(route.config.filtering, session) is not None:
            yield RecordWork(session.to_record(source.base_url))


def rules_for(filtering: Filtering, session: Session) -> SessionRules | None:
    """What of an experiment is transferred; None when it stays where it is."""
    if is_imaging(session.xsi_type):
        return filtering.session_rules(session.xsi_type)
    return WHOLE if filtering.subject_assessors.lets(session.xsi_type) else None


class Resolver:
    """Finds the sessions that records name, and one case for all sessions of a subject."""

    def __init__(self, route: Route) -> None:
        self._route = route
        self._cases: dict[str, SubjectCase] = {}
        self._lock = threading.Lock()

    def resolve(self, record: Record) -> ExperimentWork | None:
        """The work that a record asks for; None when the filters keep it.

        Raises ResourceNotFoundError.
        """
        id, label = record.get("id"), record.get("label")
        project = str(record["project"]) if record.get("project") else None
        session = session_meant(self._route.source, id, label, project)
        if not session.subject_id:
            raise ResourceNotFoundError("subject of session", session.label)
        rules = rules_for(self._route.config.filtering, session)
        if rules is None:
            return None
        with self._lock:
            if session.subject_id not in self._cases:
                label = session.subject_label or self._label_of(session.subject_id)
                subject = Subject(session.subject_id, label, session.project)
                self._cases[session.subject_id] = SubjectCase(self._route, subject)
            case = self._cases[session.subject_id]
        return ExperimentWork(case, session, rules, record)

    def _label_of(self, subject: str) -> str:
        """The label of a subject that is not in the project that shares its session."""
        return find_subject(self._route.source, subject).label


def works_of(records: Iterable[Record]) -> Iterator[Work]:
    """One for each record."""
    return map(RecordWork, records)


def _experiments(client: XNATClient, subject: Subject) -> list[Session]:
    project = str(subject.project)
    rows = client.rows(
        path("data", "projects", project, "subjects", subject.id, "experiments"),
        params={"columns": SESSION_COLUMNS},
        about=("subject", subject.label),
    )
    # Those of another one, whose label is the ID of this one, come with all of the project.
    own = (row for row in rows if not names_another(row, subject.id))
    return [_of(session_of_row(row, project), subject) for row in own]


def _experiments_of_all(client: XNATClient, project: str) -> Iterator[Session]:
    rows = client.iter_rows(
        path("data", "projects", project, "experiments"),
        params={"columns": SESSION_COLUMNS},
        about=("project", project),
    )
    return (session_of_row(row, project) for row in rows if has_subject(row))


def _of(session: Session, subject: Subject) -> Session:
    return replace(session, subject_id=subject.id, subject_label=subject.label)
