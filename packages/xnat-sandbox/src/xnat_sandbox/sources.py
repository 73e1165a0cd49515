"""Which resources a URL selects: the items in its path, several of them where it says so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import unquote

from .context import Context
from .lookup import (
    ASSESSORS,
    FLAT_EXPERIMENT,
    FLAT_SUBJECT,
    PROJECT,
    PROJECT_EXPERIMENT,
    RECONSTRUCTIONS,
    SCANS,
    SCOPED_EXPERIMENT,
    SUBJECT,
    find_experiment,
    find_subject,
)
from .model import Experiment, Owner, Project, Reconstruction, Resource, Scan, Subject
from .responses import StatusError

_DIRECTED = tuple(f"{form}/{{direction}}" for form in (*ASSESSORS, *RECONSTRUCTIONS))
# `{direction}` may only be `in` or `out`; the routes below spell both out.
_IN_OUT = tuple(
    form.replace("{direction}", direction) for form in _DIRECTED for direction in ("in", "out")
)
FILE_PARENTS = (
    *(PROJECT, SUBJECT, SCOPED_EXPERIMENT, FLAT_EXPERIMENT, FLAT_SUBJECT),
    *(*SCANS, *ASSESSORS, *RECONSTRUCTIONS, *_IN_OUT),
)
RESOURCE_PARENTS = (*FILE_PARENTS, PROJECT_EXPERIMENT)

Item = Project | Subject | Experiment | Scan | Reconstruction


@dataclass(frozen=True, slots=True)
class Source:
    """An item that has resources, and the way that led to it."""

    item: Item
    owner: Owner
    uri: str
    project: str
    """The project that owns the data."""
    subject: Subject | None = None
    session: Experiment | None = None

    @property
    def category(self) -> str:
        """What lists of all resources call this level."""
        match self.item:
            case Scan():
                return "scans"
            case Reconstruction():
                return "reconstructions"
            case Experiment(session_id=str()):
                return "assessors"
        return "resources"

    @property
    def data_type(self) -> str:
        """The type of the item, for the trace."""
        match self.item:
            case Project():
                return "xnat:projectData"
            case Subject():
                return "xnat:subjectData"
            case Experiment(xsi_type=xsi_type) | Scan(xsi_type=xsi_type):
                return xsi_type
        return "xnat:reconstructedImageData"

    @property
    def traced(self) -> str:
        """The id under which changes are traced: scans leave theirs on the session."""
        if self.session and not isinstance(self.item, Experiment):
            return self.session.id
        return self.owner.key

    @property
    def name(self) -> str:
        """The label or id by which people know the item."""
        match self.item:
            case Subject(label=label) | Experiment(label=label):
                return label
        return self.item.id


class Unidentified(StatusError):
    """A write to something that is not there."""

    def __init__(self, what: str) -> None:
        super().__init__(404, f"Unable to identify {what}")


def direction_of(path: str) -> str:
    """`in` or `out` when the path names a direction."""
    found = re.search(r"/(?:assessors|reconstructions)/[^/]+/(in|out)(?:/|$)", path)
    return found[1] if found else ""


def sources_to_read(
    context: Context, path: Mapping[str, str], direction: str, *, flat_status: int = 404
) -> list[Source]:
    """The items that a GET addresses.

    When the experiment or scan of a project path is not found, the lookup stops at the level above,
    whose files are listed. A flat path to nothing gives `flat_status`.
    """
    above = _above(context, path)
    if "experiment" not in path:
        return [above] if above else _missing(404)
    sessions = [*_sessions(context, path, above)]
    if not sessions:
        return [above] if above else _missing(flat_status)
    found = [
        source for session in sessions for source in _inside(context, session, path, direction)
    ]
    return found or (sessions if "project" in path and "scan" in path else [])


def source_to_write(context: Context, path: Mapping[str, str], direction: str) -> Source:
    """The one item that a write addresses; 404 when there is none, or more than one."""
    above = _above(context, path)
    if "experiment" not in path:
        if above is None:
            raise Unidentified("subject" if "subject" in path else "project")
        return above
    sessions = [*_sessions(context, path, above)]
    if len(sessions) != 1:
        raise Unidentified("image session" if len(path) > 1 else "experiment")
    found = [*_inside(context, sessions[0], path, direction)]
    if len(found) != 1:
        raise Unidentified("scan" if "scan" in path else "experiment")
    return found[0]


def below(context: Context, source: Source) -> Iterator[Source]:
    """A source and, of a session, everything below it: what `all=true` asks for."""
    yield source
    if not isinstance(source.item, Experiment) or source.item.session_id:
        return
    items = context.store.items
    for scan in items.scans(source.item.id):
        yield _scan_source(source, scan)
    for assessor in items.assessors(source.item.id):
        for direction in ("in", "out"):
            yield _assessor_source(source, assessor, direction)
    for image in items.reconstructions(source.item.id):
        for direction in ("in", "out"):
            yield _image_source(source, image, direction)


def named_resources(
    context: Context, sources: Iterable[Source], key: str
) -> list[tuple[Source, Resource]]:
    """The resources of a comma list of labels or numbers; unknown ones are left out."""
    found = []
    for source in sources:
        for name in key.split(","):
            resource = context.store.resources.find(source.owner, name)
            if resource:
                found.append((source, resource))
    return found


def _missing(status: int) -> list[Source]:
    raise StatusError(status, "java.lang.NullPointerException" if status == 500 else "")


def _above(context: Context, path: Mapping[str, str]) -> Source | None:
    """The subject or project of the path."""
    project, subject = path.get("project", ""), path.get("subject", "")
    if subject:
        found = find_subject(context, subject, project)
        if found is None:
            return None
        via = _project_id(context, project)
        uri = f"/data/projects/{via}/subjects/{found.id}" if via else f"/data/subjects/{found.id}"
        return Source(found, Owner.of(found), uri, found.project, subject=found)
    if not project:
        return None
    owner = context.store.items.project(project)
    if owner is None or not context.caller.may("read", owner.id):
        return None
    return Source(owner, Owner.of(owner), f"/data/projects/{owner.id}", owner.id)


def _sessions(context: Context, path: Mapping[str, str], above: Source | None) -> Iterator[Source]:
    if path.get("project") and above is None:
        return
    items = context.store.items
    for key in path["experiment"].split(","):
        session = find_experiment(context, key, path.get("project", ""))
        if session is None:
            continue
        subject = items.subject(session.subject_id) if session.subject_id else None
        uri = "/data"
        if above and isinstance(above.item, Subject):
            uri = above.uri
        elif above:
            uri = f"/data/projects/{above.owner.key}"
        uri += f"/experiments/{session.id}"
        yield Source(session, Owner.of(session), uri, session.project, subject, session)


def _inside(
    context: Context, source: Source, path: Mapping[str, str], direction: str
) -> Iterator[Source]:
    assert source.session is not None
    items, session = context.store.items, source.session
    if "scan" in path:
        for scan in chosen_scans(items.scans(session.id), unquote(path["scan"])):
            yield _scan_source(source, scan)
    elif "assessor" in path:
        wanted = path["assessor"].split(",")
        for assessor in items.assessors(session.id):
            names = {assessor.id, assessor.label, assessor.xsi_type, "ALL", "*"}
            if names & set(wanted):
                yield _assessor_source(source, assessor, direction or "out")
    elif "reconstruction" in path:
        wanted = unquote(path["reconstruction"]).split(",")
        for image in items.reconstructions(session.id):
            names = {image.id, str(image.fields.get("type", "")), "ALL", "*"}
            if names & set(wanted):
                yield _image_source(source, image, direction or "out")
    else:
        yield source


def chosen_scans(scans: list[Scan], text: str) -> list[Scan]:
    """The scans that a path component selects: ids, types, `ALL`, `*`, or `NULL` (no type)."""
    if text in ("ALL", "*"):
        return scans
    names = [name.replace("[COMMA]", ",").replace("[SLASH]", "/") for name in text.split(",")]
    found = []
    for scan in scans:
        type = str(scan.fields.get("type", ""))
        if scan.id in names or (type in names if type else "NULL" in names):
            found.append(scan)
    return found


def _scan_source(source: Source, scan: Scan) -> Source:
    return replace(source, item=scan, owner=Owner.of(scan), uri=f"{source.uri}/scans/{scan.id}")


def _assessor_source(source: Source, assessor: Experiment, direction: str) -> Source:
    uri = f"{source.uri}/assessors/{assessor.id}/{direction}"
    return replace(source, item=assessor, owner=Owner.of(assessor, direction), uri=uri)


def _image_source(source: Source, image: Reconstruction, direction: str) -> Source:
    uri = f"{source.uri}/reconstructions/{image.id}/{direction}"
    return replace(source, item=image, owner=Owner.of(image, direction), uri=uri)


def _project_id(context: Context, key: str) -> str:
    found = context.store.items.project(key) if key else None
    return found.id if found else ""
