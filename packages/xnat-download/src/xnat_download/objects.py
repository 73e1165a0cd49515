"""From a record to what is to be listed for it, kind by kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from xnat_core.errors import DownloadError, ResourceNotFoundError, XNATCtlError
from xnat_core.models import Resource, Subject
from xnat_core.records import Record
from xnat_core.services.by_id import subject_meant
from xnat_core.services.homes import Home
from xnat_core.services.lookup import subjects_in
from xnat_core.services.resource_files import require_no_files, rows_of_resource
from xnat_core.services.resources import found_again, resources_of
from xnat_core.services.scans import find_scan
from xnat_core.services.sessions import iter_sessions
from xnat_download.above import (
    known_of,
    name_of,
    place_above,
    place_of,
    session_above,
    session_in,
    session_of,
)
from xnat_download.download import Download
from xnat_download.listing import Row
from xnat_download.opening import (
    Rows,
    begin,
    claim,
    files_below,
    folders_of,
    path_of,
    require_empty,
    take,
)
from xnat_download.places import Place
from xnat_download.trouble import stops_the_run

if TYPE_CHECKING:
    from xnat_core.client import XNATClient
    from xnat_download.crew import Work

KINDS = ("project", "subject", "session", "scan", "resource", "file")

# A session of which so few scans are wanted is listed scan by scan.
_FEW_SCANS = 16

Opening = Callable[[Download], "Iterable[Work]"]


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
    session = session_of(download)
    base = place_of(download, session)
    claim(download, base)
    home = Home.of_session(session)
    few = selection.scans is not None and len(selection.scans) <= _FEW_SCANS
    unlisted: set[str] = set()
    each_scan = few and not (selection.session_resources or selection.assessors)
    if each_scan:
        rows: Rows = _files_of_scans(client, home, sorted(selection.scans or ()), unlisted)
    else:
        rows = files_below(client, home.parts, home.about)
    take(download, rows, base, session)
    assert download.listing is not None
    if not download.listing.rows and not each_scan:
        require_empty(client, home)
    for scan in sorted((selection.scans or set()) - download.listing.scans_seen):
        try:
            find_scan(client, session, scan)
            if scan in unlisted:
                raise DownloadError(f"scan {scan} is there, but the server did not list its files")
            parts = (*home.parts, "scans", scan)
            require_empty(client, Home(parts, ("scan", f"{session.label}/{scan}")))
        except (ResourceNotFoundError, DownloadError) as error:
            named = {"kind": "scan", "id": scan, "session": session.label}
            download.refuse(named, error)
    return begin(download)


def _files_of_scans(
    client: XNATClient, home: Home, scans: list[str], unlisted: set[str]
) -> Iterator[Row]:
    """The files of some scans; one that seems not to exist is `unlisted`, and looked into later."""
    for scan in scans:
        try:
            yield from files_below(client, (*home.parts, "scans", scan), ("scan", scan))
        except ResourceNotFoundError:
            unlisted.add(scan)


def _open_scan(download: Download) -> Iterable[Work]:
    client, record = download.client, download.record
    session = session_above(download)
    base = place_of(download, session)
    claim(download, base)
    place = replace(base, level="scan", owner=str(record["id"]))
    download.path = path_of(download, place.parts)
    home = Home(("experiments", session.id, "scans", str(record["id"])), ("scan", name_of(place)))
    take(download, files_below(client, home.parts, home.about), base, session, scan=place.scan)
    assert download.listing is not None
    if place.scan not in download.listing.scans_seen:
        find_scan(client, session, str(record["id"]))
        require_empty(client, home)
    download.may_be_empty = download.engine.options.selection.narrows_resources
    return begin(download)


def _open_resource(download: Download) -> Iterable[Work]:
    client = download.client
    resource = Resource.from_record(download.record)
    if not resource.uri:
        raise ResourceNotFoundError("resource", resource.label)
    base = place_above(download)
    claim(download, base)
    session = session_in(base)
    take(download, rows_of_resource(client, resource), base, session, everything=True)
    assert download.listing is not None
    if not download.listing.rows:
        require_no_files(found_again(client, resource))
    download.path = path_of(download, lambda: folders_of(download))
    return begin(download)


def _open_file(download: Download) -> Iterable[Work]:
    record = download.record
    uri = str(record.get("uri") or "")
    if "/files/" not in uri:
        raise ResourceNotFoundError("file", str(record.get("path") or record.get("name") or uri))
    base = place_above(download)
    claim(download, base)
    row = {
        "URI": unquote(uri),
        "Size": "" if record.get("size") is None else str(record["size"]),
        "digest": str(record.get("digest") or ""),
        "collection": str(record.get("resource") or ""),
        "file_format": str(record.get("format") or ""),
    }
    download.one_by_one = True
    take(download, [row], base, session_in(base), everything=True)
    for group in download.inventory.groups:
        for file in download.inventory.files(group.number):
            download.path = str(download.engine.tree.path_of(group, file))
    return begin(download)


def _open_subject(download: Download) -> Iterable[Work]:
    client, record = download.client, download.record
    download.path = str(download.engine.options.out)
    project = record.get("project")
    subject = (
        Subject.from_record(record)
        if record.get("id") and record.get("label")
        else subject_meant(client, record.get("id"), record.get("label"), project)
    )
    place = Place("subject", subject.project, subject.label or None, subject.id, session=None)
    yield from _own_resources(download, Home.of_subject(subject), place)
    for session in iter_sessions(client, subject.project, subject_id=subject.id):
        yield _part(download, session.to_record(client.base_url), _open_session)


def _open_project(download: Download) -> Iterable[Work]:
    client, project = download.client, str(download.record["id"])
    download.path = str(download.engine.options.out)
    selection = download.engine.options.selection
    yield from _own_resources(download, Home.of_project(project), Place("project", project))
    if selection.session_resources:
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
    try:
        resources = resources_of(download.client, home)
    except XNATCtlError as error:
        if stops_the_run(error):
            raise
        # One subject that cannot be read is no reason to leave the sessions of the others.
        if place.level == download.record["kind"]:
            download.fail(error)
        else:
            subject = {"kind": "subject", "id": place.subject_id, "label": place.subject}
            download.refuse({**subject, "project": place.project}, error)
        return
    for resource in resources:
        if selection.takes_resource(resource.label):
            record = resource.to_record(download.client.base_url)
            yield _part(download, {**record, **known_of(place)}, _open_resource)


def _part(download: Download, record: Record, opening: Opening) -> Work:
    return download.adopt(Download(download.engine, record, opening, parent=download))
