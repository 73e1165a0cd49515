"""Sessions: the experiments of subjects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from xnat_core import arguments
from xnat_core.arguments import named, switch
from xnat_core.errors import (
    ArgumentError,
    OperationError,
    ResourceExistsError,
    ResourceNotFoundError,
    ValidationError,
)
from xnat_core.models import MODALITY_TYPES, Session, children, modality_of
from xnat_core.models.row_records import RowRecords
from xnat_core.services.base import (
    BaseService,
    Row,
    Rows,
    columns_of,
    delete,
    document,
    fields,
    first,
    listing,
    require_not_remade,
    same,
    written,
)
from xnat_core.services.by_id import experiment_rows, session_meant, subject_meant
from xnat_core.services.lookup import (
    SESSION_COLUMNS,
    find_session,
    find_subject,
    has_subject,
    session_of_row,
    session_record,
)
from xnat_core.services.once import ask_and_see
from xnat_core.services.relabel import relabel
from xnat_core.services.routes import require_own_route
from xnat_core.urls import path
from xnat_core.validation import validate_lookup, validate_session_label

if TYPE_CHECKING:
    from xnat_core.client import XNATClient

Sessions = list[Session]

# DICOM and people call it by different names.
_SYNONYMS = {"PT": "PET", "MRI": "MR"}


class SessionService(BaseService):
    """Lists, makes, edits, shares and removes sessions."""

    def list(
        self,
        project: str | None = None,
        subject: str | None = None,
        modality: str | None = None,
        limit: int | None = None,
        columns: Iterable[str] | str | None = None,
    ) -> Sessions:
        """The sessions of a project, of a subject in it, or of the whole server."""
        wanted = columns_of(columns, SESSION_COLUMNS, needed="ID,subject_ID,xsiType")
        found = iter_sessions(self.client, project, subject, modality, wanted)
        return first(limit, found)

    def get(
        self,
        session_id: str | None = None,
        project: str | None = None,
        *,
        session: str | None = None,
    ) -> Session:
        """One session, by accession ID or, with a project, by label.

        Raises ResourceNotFoundError.
        """
        return find_session(
            self.client, named(session_id, session, "session_id", "session"), project
        )

    def create(
        self,
        project: str,
        subject: str,
        label: str,
        xsi_type: str = MODALITY_TYPES["MR"],
        date: str | None = None,
        time: str | None = None,
        visit_id: str | None = None,
        modality: str | None = None,
    ) -> Session:
        """Make an empty session of a subject that exists; `modality` decides the type.

        `date` is `YYYY-MM-DD`, `time` `HH:MM:SS`. Raises ResourceExistsError (the server would
        change the existing one) and ResourceNotFoundError for project or subject.
        """
        label = validate_session_label(label)
        owner = find_subject(self.client, subject, project)
        by_label = path("data", "projects", str(owner.project), "experiments", label)
        if document(self.client, by_label, ("session", label)) is not None:
            raise ResourceExistsError("session", f"{project}/{label}")
        given = {"date": date, "time": time, "visit_id": visit_id}
        params = {
            "xsiType": _type_of(modality) if modality else arguments.text(xsi_type, "xsi_type"),
            **{name: arguments.field_value(value, name) for name, value in given.items()},
        }
        where = path("data", "projects", str(owner.project), "subjects", owner.id, "experiments")
        require_own_route(self.client, where)
        ask_and_see(
            lambda: self.client.put(where + path(label), params=params, about=("subject", subject)),
            lambda: document(self.client, by_label, ("session", label)) is not None,
        )
        return find_session(self.client, label, owner.project)

    def delete(
        self, session_id: str, project: str | None = None, remove_files: bool = False
    ) -> bool:
        """Delete a session; in a project that only shares it, end the sharing."""
        remove_files = switch(remove_files, "remove_files")
        session = find_session(self.client, session_id, project)
        where, about = session_path(session), ("session", session.label)
        require_own_route(self.client, where)
        delete(self.client, where, about, remove_files=remove_files)
        return True

    def get_scans(self, session_id: str, project: str | None = None) -> Rows:
        """The rows of the session's scans, as the server writes them."""
        session = find_session(self.client, session_id, project)
        return self._below(session, "scans")

    def get_resources(self, session_id: str, project: str | None = None) -> Rows:
        """The rows of the session's own resources, as the server writes them."""
        session = find_session(self.client, session_id, project)
        return self._below(session, "resources")

    def set_field(
        self, session_id: str, field: str, value: str, project: str | None = None
    ) -> bool:
        """Set one field and read it back.

        `field` is a name (`note`), a path below the type (`fields/field[name=X]/field`) or a whole
        path (`xnat:mrSessionData/note`). Raises OperationError when the server did not store it,
        which, whatever the reason, it does not say itself.
        """
        arguments.text(field, "field")
        value = written(value)
        session = find_session(self.client, session_id, project)
        if field in ("label", "project", "subject_ID", "ID"):
            raise ValidationError(f"{field} is no field that can be set: rename or move", "field")
        xsi_type = session.xsi_type or ""
        key = field if ":" in field.partition("/")[0] else f"{xsi_type}/{field}"
        where = session_path(session)
        require_own_route(self.client, where)
        self.client.put(
            where,
            params={"xsiType": xsi_type, key: value},
            about=("session", session.label),
            repeatable=True,
        )
        item = self.client.item(where, about=("session", session.label))
        require_not_remade({"data_fields": {"ID": session.id}}, item, ("session", session.label))
        stored = _stored(item, key.partition("/")[2])
        if not same(stored, value):
            raise OperationError(
                "set", f"session {session.label!r}: {field} is {stored!r}, not {value!r}"
            )
        return True

    def rename(self, session_id: str, new_label: str, project: str | None = None) -> Session:
        """Give a session another label. Raises ResourceExistsError when it is taken."""
        new_label = validate_session_label(new_label)
        session = find_session(self.client, session_id, project)
        if session.label == new_label:
            return session
        owner = str(session.project)
        taken = path("data", "projects", owner, "experiments", new_label)
        if document(self.client, taken, ("session", new_label)) is not None:
            raise ResourceExistsError("session", f"{owner}/{new_label}")
        where = session_path(session)
        require_own_route(self.client, where)
        alone = path("data", "experiments", session.id)
        relabel(self.client, where, ("session", session.label), new_label, seen_at=alone)
        return session_meant(self.client, session.id, None, owner)

    def share(
        self,
        session_id: str,
        target_project: str,
        label: str | None = None,
        primary: bool = False,
        project: str | None = None,
    ) -> bool:
        """Show a session in another project as well, or with `primary` move it there.

        What came of it is read back. Raises ResourceExistsError when the label is taken there,
        ResourceNotFoundError for the session or the target project.
        """
        from xnat_core.services.projects import ProjectService
        from xnat_core.services.sharing import Shared

        primary = switch(primary, "primary")
        shared = Shared.look(self.client, find_session(self.client, session_id, project))
        target = ProjectService(self.client).get(target_project).id
        is_there = target == shared.owner if primary else target in shared.labels
        if is_there and label in (None, shared.labels[target]):
            return True
        # Where it was found it may have another label than the one that it brings along.
        shared.require_free(target, label or shared.labels[shared.owner])
        shared.share(target, label, primary=primary)
        return True

    def _below(self, session: Session, what: str) -> Rows:
        about = ("session", session.label)
        return [*listing(self.client, "experiments", session.id, what, about=about)]


def iter_sessions(
    client: XNATClient,
    project: str | None = None,
    subject: str | None = None,
    modality: str | None = None,
    columns: str = SESSION_COLUMNS,
    *,
    subject_id: str | None = None,
) -> Iterator[Session]:
    """The sessions of a project, of a subject in it, or of the whole server, as they come.

    `subject` may be a label or an accession ID, `subject_id` is the latter and nothing else.
    The modality is that of the session's type and is compared here: the server's own filter knows
    only sessions that came as DICOM. Raises ResourceNotFoundError for project or subject.
    """
    if modality is not None and not isinstance(modality, str):
        raise ArgumentError(f"modality must be text, not {modality!r}", "modality")
    for row in _rows(client, project, subject, columns, subject_id):
        session = session_of_row(row, project)
        if not modality or is_of_modality(modality, session.modality, session.xsi_type):
            yield session


def session_records(
    client: XNATClient,
    project: str | None = None,
    subject: str | None = None,
    modality: str | None = None,
    *,
    subject_id: str | None = None,
) -> Iterator[dict[str, Any]]:
    """The records of `iter_sessions`, made of the rows themselves."""
    known = ("id", "uri", "project") if project else ("id", "uri")
    records = RowRecords(Session, client.base_url, known)
    for row in _rows(client, project, subject, subject_id=subject_id):
        record = session_record(records, row, project)
        if not modality or is_of_modality(modality, record.get("modality"), record.get("xsi_type")):
            yield record


def _rows(
    client: XNATClient,
    project: str | None = None,
    subject: str | None = None,
    columns: str = SESSION_COLUMNS,
    subject_id: str | None = None,
) -> Iterator[dict[str, str]]:
    params = {"columns": columns}
    name = subject_id or subject
    if project is None:
        if name is not None:
            raise ValidationError("a subject needs its project", "project")
        everything = client.iter_rows(path("data", "experiments"), params=params)
        return (row for row in everything if has_subject(row))
    if name is not None:
        owner = subject_meant(client, subject_id, subject, project)
        about = ("subject", name)
        return experiment_rows(client, str(owner.project), owner.id, columns, about)
    validate_lookup(project, "project")
    below = path("data", "projects", project, "experiments")
    return client.iter_rows(below, params=params, about=("project", project))


def is_of_modality(wanted: str, modality: str | None, xsi_type: str | None) -> bool:
    """Whether a session of this modality and type is of the wanted modality, in any case; PT is PET
    and MRI is MR."""
    return _spoken(wanted) in {_spoken(modality or ""), _spoken(modality_of(xsi_type) or "")}


def session_path(session: Session) -> str:
    """The route of a session through its subject, which is the one that changes it.

    Raises ResourceNotFoundError for an experiment without project or subject.
    """
    if not (session.project and session.subject_id):
        raise ResourceNotFoundError("subject of session", session.label or session.id)
    parts = ("projects", session.project, "subjects", session.subject_id)
    return path("data", *parts, "experiments", session.id)


def _spoken(modality: str) -> str:
    return _SYNONYMS.get(modality.upper(), modality.upper())


def _type_of(modality: str) -> str:
    arguments.text(modality, "modality")
    found = MODALITY_TYPES.get(_spoken(modality))
    if found is None:
        known = ", ".join(MODALITY_TYPES)
        raise ValidationError(f"modality {modality!r}: must be one of {known}", "modality")
    return found


def _stored(item: Row, key: str) -> object:
    """What a document has under a path; custom variables are children of it."""
    if key.startswith("fields/field[name="):
        name = key.removeprefix("fields/field[name=").partition("]")[0]
        values = [c.get("field") for c in children(item, "fields/field") if c.get("name") == name]
        return values[0] if values else None
    return fields(item).get(key)
