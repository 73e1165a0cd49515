"""The steps that begin an object of any kind: its folder, its listing, its first work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from xnat_core.errors import ResourceNotFoundError
from xnat_core.models import Session
from xnat_core.services.base import document
from xnat_core.services.base import listing as listed
from xnat_core.services.homes import Home
from xnat_core.services.resource_files import require_no_files, with_labels
from xnat_core.services.resources import resources_of
from xnat_core.services.scans import scans_of
from xnat_core.urls import path
from xnat_download.download import Download
from xnat_download.fetching import fetch_group
from xnat_download.listing import Details, Listing, Row
from xnat_download.places import Place, component
from xnat_download.template import DETAILS

if TYPE_CHECKING:
    from xnat_core.client import XNATClient
    from xnat_download.crew import Work

Rows = Iterable[Row]

_ADVICE = "--layout '{project}/{session}/…' or another --out keeps them apart"


def take(
    download: Download,
    rows: Rows,
    base: Place,
    session: Session | None,
    *,
    everything: bool = False,
    scan: str | None = None,
) -> None:
    """List; `everything` for an object that was named itself, at whatever level it is. With `scan`
    only what is of that one: for a scan that is gone the server may list its session."""
    engine = download.engine
    selection = engine.options.selection
    if scan is not None:
        wanted = {scan} if selection.takes_scan(scan) else set()
        selection = replace(selection, scans=frozenset(wanted))
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


def begin(download: Download) -> list[Work]:
    _occupy(download)
    if download.engine.options.archives and not download.one_by_one:
        from xnat_download.archives import fetch_archives

        return fetch_archives(download)
    download.engine.progress.expect(bytes=download.inventory.total()[1])
    return [
        download.step(partial(fetch_group, download, group)) for group in download.inventory.groups
    ]


def files_below(
    client: XNATClient, parts: tuple[str, ...], about: tuple[str, str]
) -> Iterator[Row]:
    rows = listed(client, *parts, "files", params={"all": "true"}, about=about)
    return with_labels(client, rows, path("data", *parts), about)


def _details(download: Download, session: Session | None) -> Details:
    template = download.engine.options.template
    if template is None or session is None or not template.fields & DETAILS:
        return {}
    return {
        scan.id: {"type": scan.type, "series": scan.series_description}
        for scan in scans_of(download.client, session)
    }


def claim(download: Download, place: Place) -> None:
    """Take the folder of the session, subject or project; that of another one is refused."""
    engine = download.engine
    if engine.options.template is not None:
        download.path = str(engine.options.out)
        download.folder = engine.options.template.session_folder(place)
        return
    download.folder = "/".join(place.top())
    engine.tree.path(f"{download.folder}/-")
    download.path = str(engine.options.out.joinpath(*place.top()))
    if engine.options.archive_path is not None and not engine.options.unpack:
        return  # Nothing comes into it.
    download.owner = place
    server = download.client.base_url
    engine.tree.claim(download.folder, _owner(place, server), _ADVICE)
    engine.manifests.require_owner(download.folder, place, server, _ADVICE)


def _occupy(download: Download) -> None:
    """Files are about to be written into the folder."""
    options, owner = download.engine.options, download.owner
    if owner is None or options.dry_run or options.archive_path is not None:
        return
    if download.inventory.total()[0]:
        server = download.client.base_url
        download.engine.manifests.occupy(download.folder, owner, server, _ADVICE)


def _owner(place: Place, server: str) -> str:
    if place.level in ("project", "subject"):
        id = place.subject_id or place.subject or place.project
        return f"{place.level} {id} of {server}"
    # By whatever project it comes, and whether its record names one.
    return f"session {place.session_id} of {server}"


def path_of(download: Download, parts: Callable[[], tuple[str, ...]]) -> str:
    options = download.engine.options
    return str(options.out if options.template else options.out.joinpath(*parts()))


def folders_of(download: Download) -> tuple[str, ...]:
    for group in download.inventory.groups:
        return (*group.place.parts(), "resources", component(group.label, "resource"))
    return tuple(download.folder.split("/"))


def require_empty(client: XNATClient, home: Home) -> None:
    """An empty listing is believed only when nothing speaks against it."""
    if document(client, home.path, home.about) is None:
        raise ResourceNotFoundError(*home.about)
    everything = home.parts[-2] == "experiments"
    for resource in resources_of(client, home, everything=everything):
        require_no_files(resource)
