"""From a record to what is to be listed for it, kind by kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from xnat_core.errors import DownloadError, ResourceNotFoundError, ServerError
from xnat_core.models import Resource, Session, Subject
from xnat_core.records import Record
from xnat_core.services.base import document
from xnat_core.services.base import listing as listed
from xnat_core.services.homes import Home
from xnat_core.services.lookup import find_session, find_subject
from xnat_core.services.resources import files_of_resource, resources_of
from xnat_core.services.scans import find_scan, scans_of
from xnat_core.services.sessions import iter_sessions
from xnat_download.download import Download
from xnat_download.fetching import fetch_group
from xnat_download.listing import Details, Listing, Row
from xnat_download.places import Place, component
from xnat_download.template import DETAILS

if TYPE_CHECKING:
    from xnat_core.client import XNATClient
    from xnat_download.crew import Work

KINDS = ("project", "subject", "session", "scan", "resource", "file")

# A session of which so few scans are wanted is listed scan by scan.
_FEW_SCANS = 16

Opening = Callable[[Download], "Iterable[Work]"]
Rows = Iterable[Row]


def opening_of(record: Record) -> Opening:
    """How the object of a record is begun."""
    openings: dict[str, Opening] = {
        "project": _open_project,
        "subject": _open_subject,
        "session": _open_session,
        "scan": _open_scan,
        "resource": _open_resource,
        "file": _open_file,
    }
    return openings[record["kind"]]


def _open_session(download: Download) -> Iterable[Work]:
    client, selection = download.client, download.engine.options.selection
    session = session_of(client, download.record)
    base = _place_of(download, session)
    _claim(download, base)
    home = Home.of_session(session)
    few = selection.scans is not None and len(selection.scans) <= _FEW_SCANS
    if few and not (selection.session_resources or selection.assessors):
        rows: Rows = (
            row
            for scan in sorted(selection.scans or ())
            for row in _files(client, (*home.parts, "scans", scan), ("scan", scan))
        )
    else:
        rows = _files(client, home.parts, home.about)
    _take(download, rows, base, session)
    assert download.listing is not None
    if not download.listing.rows:
        _require_empty(client, home)
    for scan in sorted((selection.scans or set()) - download.listing.scans_seen):
        try:
            find_scan(client, session, scan)
        except ResourceNotFoundError as error:
            named = {"kind": "scan", "id": scan, "session": session.label}
            download.refuse(named, error)
    return _begin(download)


def _open_scan(download: Download) -> Iterable[Work]:
    client, record = download.client, download.record
    session = _session_above(client, record)
    base = _place_of(download, session)
    _claim(download, base)
    place = replace(base, level="scan", owner=str(record["id"]))
    download.path = _path(download, place.parts)
    home = Home(("experiments", session.id, "scans", str(record["id"])), ("scan", _name(place)))
    _take(download, _files(client, home.parts, home.about), base, session)
    assert download.listing is not None
    if not download.listing.rows:
        find_scan(client, session, str(record["id"]))
        _require_empty(client, home)
    download.may_be_empty = download.engine.options.selection.narrows_resources
    return _begin(download)


def _open_resource(download: Download) -> Iterable[Work]:
    client = download.client
    resource = Resource.from_record(download.record)
    if not resource.uri:
        raise ResourceNotFoundError("resource", resource.label)
    base = _place_above(download)
    _claim(download, base)
    session = _session_in_place(base)
    _take(download, _files_of(client, resource), base, session, everything=True)
    download.path = _path(download, lambda: _folders_of(download))
    return _begin(download)


def _open_file(download: Download) -> Iterable[Work]:
    record = download.record
    uri = str(record.get("uri") or "")
    if "/files/" not in uri:
        raise ResourceNotFoundError("file", str(record.get("path") or record.get("name") or uri))
    base = _place_above(download)
    _claim(download, base)
    row = {
        "URI": unquote(uri),
        "Size": "" if record.get("size") is None else str(record["size"]),
        "digest": str(record.get("digest") or ""),
        "collection": str(record.get("resource") or ""),
        "file_format": str(record.get("format") or ""),
    }
    download.one_by_one = True
    _take(download, [row], base, _session_in_place(base), everything=True)
    for group in download.inventory.groups:
        for file in download.inventory.files(group.number):
            download.path = str(download.engine.tree.path_of(group, file))
    return _begin(download)


def _open_subject(download: Download) -> Iterable[Work]:
    client, record = download.client, download.record
    download.path = str(download.engine.options.out)
    project = record.get("project")
    subject = (
        Subject.from_record(record)
        if record.get("id") and record.get("label")
        else find_subject(client, str(record.get("id") or record.get("label")), project)
    )
    place = Place("subject", subject.project, subject.label or None, subject.id, session=None)
    yield from _own_resources(download, Home.of_subject(subject), place)
    for session in iter_sessions(client, subject.project, subject.id):
        yield _part(download, session.to_record(client.base_url), _open_session)


def _open_project(download: Download) -> Iterable[Work]:
    client, project = download.client, str(download.record["id"])
    download.path = str(download.engine.options.out)
    selection = download.engine.options.selection
    yield from _own_resources(download, Home.of_project(project), Place("project", project))
    if selection.session_resources:
        from xnat_core.services.lookup import subjects_in

        for subject in subjects_in(client, project):
            place = Place("subject", project, subject.label or None, subject.id)
            yield from _own_resources(download, Home.of_subject(subject), place)
    for session in iter_sessions(client, project):
        yield _part(download, session.to_record(client.base_url), _open_session)


def _own_resources(download: Download, home: Home, place: Place) -> Iterator[Work]:
    """What hangs at a project or subject itself."""
    selection = download.engine.options.selection
    if not selection.session_resources:
        return
    for resource in resources_of(download.client, home):
        if selection.takes_resource(resource.label):
            record = resource.to_record(download.client.base_url)
            yield _part(download, {**record, **_known(place)}, _open_resource)


def _part(download: Download, record: Record, opening: Opening) -> Work:
    return download.adopt(Download(download.engine, record, opening, parent=download))


# --- the steps that all kinds share ---------------------------------------------------------------


def _take(
    download: Download,
    rows: Rows,
    base: Place,
    session: Session | None,
    *,
    everything: bool = False,
) -> None:
    """List; `everything` for an object that was named itself, at whatever level it is."""
    engine = download.engine
    selection = engine.options.selection
    if everything:
        selection = replace(selection, session_resources=True, assessors=True)
    download.listing = Listing(
        download.client,
        engine.tree,
        engine.names,
        selection,
        engine.options.template,
        download.refuse,
    )
    download.listing.take(rows, base, _details(download, session))


def _begin(download: Download) -> list[Work]:
    if download.engine.options.archives and not download.one_by_one:
        from xnat_download.archives import fetch_archives

        return fetch_archives(download)
    download.engine.progress.expect(bytes=download.inventory.total()[1])
    return [
        download.step(lambda group=group: fetch_group(download, group))  # type: ignore[misc]
        for group in download.inventory.groups
    ]


def _files(client: XNATClient, parts: tuple[str, ...], about: tuple[str, str]) -> Iterator[Row]:
    return listed(client, *parts, "files", params={"all": "true"}, about=about)


def _files_of(client: XNATClient, resource: Resource) -> Iterator[Row]:
    empty = True
    try:
        for row in client.iter_rows(f"{resource.uri}/files", about=("resource", resource.label)):
            empty = False
            yield row
    except ServerError:
        # So the server answers for a session that is gone.
        _require_resource(client, resource)
        raise
    if empty:
        _require_resource(client, resource)


def _require_resource(client: XNATClient, resource: Resource) -> None:
    for _ in files_of_resource(client, resource):
        return


def _details(download: Download, session: Session | None) -> Details:
    template = download.engine.options.template
    if template is None or session is None or not template.fields & DETAILS:
        return {}
    return {
        scan.id: {"type": scan.type, "series": scan.series_description}
        for scan in scans_of(download.client, session)
    }


def _claim(download: Download, place: Place) -> None:
    """Take the folder of the session, subject or project; that of another one is refused."""
    engine = download.engine
    if engine.options.template is not None:
        download.path = str(engine.options.out)
        download.folder = engine.options.template.session_folder(place)
        return
    download.folder = "/".join(place.top())
    engine.tree.path(f"{download.folder}/-")
    download.path = str(engine.options.out.joinpath(*place.top()))
    owner = _owner(place, download.client.base_url)
    advice = "--layout '{project}/{session}/…' or another --out keeps them apart"
    engine.tree.claim(download.folder, owner, advice)
    engine.manifests.require_owner(download.folder, place, download.client.base_url, advice)


def _owner(place: Place, server: str) -> str:
    if place.level in ("project", "subject"):
        id = place.subject_id or place.subject or place.project
        return f"{place.level} {id} of {server}"
    return f"session {place.session_id} ({place.project}) of {server}"


def _path(download: Download, parts: Callable[[], tuple[str, ...]]) -> str:
    options = download.engine.options
    return str(options.out if options.template else options.out.joinpath(*parts()))


def _folders_of(download: Download) -> tuple[str, ...]:
    for group in download.inventory.groups:
        return (*group.place.parts(), "resources", component(group.label, "resource"))
    return tuple(download.folder.split("/"))


def _require_empty(client: XNATClient, home: Home) -> None:
    """An empty listing is believed only when nothing speaks against it."""
    if document(client, home.path, home.about) is None:
        raise ResourceNotFoundError(*home.about)
    everything = home.parts[-2] == "experiments"
    for resource in resources_of(client, home, everything=everything):
        if resource.file_count:
            raise DownloadError(
                f"{home.about[1]}: the server lists no files, but counts {resource.file_count} "
                f"in resource {resource.label}"
            )


# --- who is above ---------------------------------------------------------------------------------


def session_of(client: XNATClient, record: Record) -> Session:
    """The session of a record, looked up unless the record says all that is needed."""
    if record.get("id") and record.get("label"):
        return Session.from_record(record)
    name = record.get("id") or record.get("label")
    return find_session(client, str(name), record.get("project"), record.get("subject"))


def _session_above(client: XNATClient, record: Record) -> Session:
    """The session that a scan, resource or file is of."""
    name = record.get("session_id") or record.get("session")
    if not name:
        raise ResourceNotFoundError(f"session of {record['kind']}", str(record.get("id") or "?"))
    if not (record.get("session_id") and record.get("session")):
        return find_session(client, str(name), record.get("project"))
    return Session(
        id=str(record["session_id"]),
        label=str(record["session"]),
        project=record.get("project"),
        subject_id=record.get("subject_id"),
        subject_label=record.get("subject"),
    )


def _place_of(download: Download, session: Session) -> Place:
    return Place(
        "session",
        session.project,
        session.subject_label,
        session.subject_id,
        session.label or None,
        session.id,
        folder=download.engine.options.folder,
    )


def _place_above(download: Download) -> Place:
    """The session, subject or project that a resource or file is below of."""
    record = download.record
    if record.get("session") or record.get("session_id"):
        return _place_of(download, _session_above(download.client, record))
    level = "subject" if record.get("subject") or record.get("subject_id") else "project"
    return Place(level, record.get("project"), record.get("subject"), record.get("subject_id"))


def _session_in_place(place: Place) -> Session | None:
    if place.session_id is None:
        return None
    return Session(id=place.session_id, label=place.session or "", project=place.project)


def _known(place: Place) -> dict[str, str]:
    return {key: value for key, value in place.facts().items() if value}


def _name(place: Place) -> str:
    return f"{place.session}/{place.owner}"
