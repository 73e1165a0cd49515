"""The files that the server lists of resources."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote

from xnat_core.errors import DownloadError, ResourceNotFoundError, ServerError
from xnat_core.models import Resource, ResourceFile
from xnat_core.services.base import About, Row, document, listing
from xnat_core.services.homes import Home, owner_in, parents_of
from xnat_core.urls import path

if TYPE_CHECKING:
    from xnat_core.client import XNATClient

_SESSION_IN_URI = re.compile(r"/experiments/([^/]+)")


def with_labels(
    client: XNATClient, rows: Iterable[Row], parent: str, about: About
) -> Iterator[Row]:
    """The rows of files below `parent`, each with the label of its resource in `collection`.

    Some servers leave that column out: then the number in the `URI` is looked up.
    """
    labels: dict[str, str] | None = None
    for row in rows:
        if "collection" not in row:
            if labels is None:
                labels = _labels_by_number(client, parent, about)
            number = row.get("URI", "").partition("/resources/")[2].partition("/")[0]
            row = {**row, "collection": labels.get(number, number)}
        yield row


def _labels_by_number(client: XNATClient, parent: str, about: About) -> dict[str, str]:
    everything = {"all": "true"} if "/experiments/" in parent else None
    rows = client.rows(f"{parent}/resources", params=everything, about=about)
    return {row.get("xnat_abstractresource_id", ""): row.get("label", "") for row in rows}


def files_of(client: XNATClient, home: Home) -> Iterator[ResourceFile]:
    """The files of all resources of a home, as they arrive; a session's include its scans'."""
    # Below a project or a subject this parameter would reach into its sessions.
    params = {"all": "true"} if home.parts[0] == "experiments" else None
    rows = listing(client, *home.parts, "files", params=params, about=home.about)
    for row in with_labels(client, rows, home.path, home.about):
        owner = owner_in(row.get("URI", ""))
        if row.get("URI") and not home.lists(*owner):
            continue
        place = home.below(*owner)
        yield ResourceFile.from_row(row, **place.known)


def files_of_resource(client: XNATClient, resource: Resource) -> Iterator[ResourceFile]:
    """The files of a resource that was listed, as they arrive. Raises ResourceNotFoundError."""
    known = parents_of(resource)
    for row in rows_of_resource(client, resource):
        yield ResourceFile.from_row(row, collection=resource.label or None, **known)


def rows_of_resource(client: XNATClient, resource: Resource) -> Iterator[Row]:
    """The rows of the files of a resource, as they arrive.

    Raises ResourceNotFoundError when the resource is gone. The server does not say that: it lists
    no files then, or fails; and when the scan or the session around the resource is gone, it may
    list the files of a resource of that label which the session or the subject above has.
    """
    about = ("resource", resource.label or str(resource.id))
    where = _uri_of(resource)
    scan, is_of_session = _scan_in(where), _SESSION_IN_URI.search(where) is not None
    empty = True
    try:
        for row in client.iter_rows(f"{where}/files", about=about):
            if scan and (other := _scan_in(row.get("URI", ""))) not in (scan, unquote(scan)):
                if other:
                    continue  # The server takes the ID of a scan for the type of others, too.
                raise ResourceNotFoundError(*about)
            if is_of_session and not _SESSION_IN_URI.search(row.get("URI") or where):
                raise ResourceNotFoundError(*about)
            empty = False
            yield row if "collection" in row else {**row, "collection": resource.label}
    except ServerError:
        row_of(client, resource)
        raise
    if empty:
        row_of(client, resource)


def _uri_of(resource: Resource) -> str:
    if not resource.uri:
        raise ResourceNotFoundError("resource", resource.label or str(resource.id))
    return resource.uri


def _scan_in(uri: str) -> str | None:
    """The scan, as it is written, that the URI of a resource or of its files names."""
    category, id = owner_in(uri)
    return id if category == "scans" else None


def row_of(client: XNATClient, resource: Resource) -> Row:
    """The row of a resource that was listed, as it is now. Raises ResourceNotFoundError."""
    parent, _, _ = _uri_of(resource).rpartition("/resources/")
    about = ("resource", resource.label or str(resource.id))
    key = "label" if resource.label else "xnat_abstractresource_id"  # Several may have no label.
    scan = _scan_in(parent)
    for row in _rows_below(client, parent, about):
        other = row.get("cat_id") if row.get("category") == "scans" else None
        if scan and other and other not in (scan, unquote(scan)):
            continue  # As among the files.
        if row.get(key, "") == (resource.label or resource.id):
            return row
    raise ResourceNotFoundError(*about)


def _rows_below(client: XNATClient, parent: str, about: tuple[str, str]) -> list[Row]:
    """The rows of the resources of something; none for a session that is gone."""
    try:
        return client.rows(f"{parent}/resources", about=about)
    except ServerError:
        # A session that is gone is answered by 500, as a failure of the server is.
        session = _SESSION_IN_URI.search(parent)
        where = session and path("data", "experiments", unquote(session[1]))
        if not where or document(client, where, about) is not None:
            raise
        return []


def require_no_files(resource: Resource) -> None:
    """Raise DownloadError for an empty listing of a resource that has files by its own count."""
    if resource.file_count:
        name = resource.label or str(resource.id)
        raise DownloadError(
            f"the server lists no files, but counts {resource.file_count} in resource {name}"
        )
