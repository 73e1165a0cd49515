"""What an experiment holds, listed file by file: the source's side as far as the filters let it."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from xnat_core.client import XNATClient
from xnat_core.models import Resource, Scan, Session
from xnat_core.models.resource import relative_path
from xnat_core.services.base import listing
from xnat_core.services.homes import Home
from xnat_core.services.resource_files import require_no_files, with_labels
from xnat_core.services.resources import resources_of
from xnat_core.services.scans import COLUMNS, scans_of
from xnat_core.transfer_errors import TransferError
from xnat_core.urls import path
from xnat_transfer.filters import Choice, SessionRules

SCANS, ASSESSORS, OWN = "scans", "assessors", "resources"
RECONSTRUCTIONS = "reconstructions"
# A server archives what is no image (reports, captures) in the second one, unless set otherwise.
DICOM, SECONDARY = "DICOM", "secondary"

_OWNER = re.compile(r"/(scans|assessors|reconstructions)/(.+?)(?:/(in|out))?\Z", re.S)


class Place(NamedTuple):
    """A resource, in words that both servers understand.

    `owner` is the ID of a scan or the label of an assessor; empty for what is the item's own.
    """

    category: str
    owner: str
    label: str

    @property
    def is_dicom(self) -> bool:
        """Whether it holds what the import service has read, or is to read."""
        return self.category == SCANS and self.label in (DICOM, SECONDARY)

    def __str__(self) -> str:
        owner = f"{self.category.removesuffix('s')} {self.owner}, " if self.owner else ""
        return f"{owner}resource {self.label}"


class Known(NamedTuple):
    """What a listing says of a file; `digest` is the MD5 as bytes, empty when there is none."""

    size: int | None
    digest: bytes


def is_same(one: Known, other: Known) -> bool:
    """Whether two listings may speak of the same bytes, and are not silent about them."""
    if None not in (one.size, other.size) and one.size != other.size:
        return False
    if one.digest and other.digest:
        return one.digest == other.digest
    return is_comparable(one, other)


def is_comparable(one: Known, other: Known) -> bool:
    """Whether two listings both have the size or both the MD5."""
    return bool(one.digest and other.digest) or None not in (one.size, other.size)


class Row(NamedTuple):
    """A line of a listing of files. `owner` is a scan ID or the accession ID of an assessor."""

    category: str
    owner: str
    label: str
    path: str
    known: Known


@dataclass(slots=True)
class Holding:
    """A resource of the source and its files by their paths in it."""

    resource: Resource
    files: dict[str, Known] = field(default_factory=dict)

    @property
    def is_short(self) -> bool:
        """Whether the server counts more files than it lists, so that it is asked once more.

        Its number may be an old one; a listing that falls short twice is believed.
        """
        return len(self.files) < (self.resource.file_count or 0)


@dataclass(frozen=True, slots=True)
class Assessor:
    """An assessor of a session."""

    id: str
    label: str
    xsi_type: str


@dataclass(slots=True)
class Contents:
    """What is to be transferred of one item."""

    scans: dict[str, Scan] = field(default_factory=dict)
    assessors: dict[str, Assessor] = field(default_factory=dict)
    holdings: dict[Place, Holding] = field(default_factory=dict)
    reconstructions: int = 0
    """How many files of reconstructions there are; they stay where they are."""

    @property
    def files(self) -> int:
        """How many files there are."""
        return sum(len(holding.files) for holding in self.holdings.values())

    @property
    def bytes(self) -> int:
        """Their size, as far as it is known."""
        files = (file for holding in self.holdings.values() for file in holding.files.values())
        return sum(file.size or 0 for file in files)


def contents_of(client: XNATClient, session: Session, rules: SessionRules) -> Contents:
    """List a session (or another experiment) of the source."""
    scans = {scan.id: scan for scan in typed_scans(client, session)}
    assessors = {one.id: one for one in assessors_of(client, session)}
    found = Contents(
        scans={id: scan for id, scan in scans.items() if rules.scan_types.lets(scan.type)},
        assessors={
            one.label: one
            for one in assessors.values()
            if rules.session_assessors.lets(one.xsi_type)
        },
    )

    def place_of(category: str, owner: str, label: str) -> Place | None:
        if category == SCANS:
            _require_listed(owner, scans, rules.scan_types, "scan")
            wanted = owner in found.scans and rules.scan_resources.lets(label)
        elif category == ASSESSORS:
            _require_listed(owner, assessors, rules.session_assessors, "assessor")
            owner = assessors[owner].label if owner in assessors else ""
            wanted = owner in found.assessors
        else:
            wanted = category == OWN and rules.resources.lets(label)
        return Place(category, owner, label) if wanted else None

    home = Home.of_session(session)
    for resource in resources_of(client, home, everything=True):
        owner = resource.scan_id or resource.assessor or ""
        place = place_of(resource.category or OWN, owner, resource.label)
        if place in found.holdings:
            raise TransferError(f"{place} is there twice: as input and as output?")
        if place is not None:
            found.holdings[_labelled(place)] = Holding(resource)

    def take_files() -> None:
        found.reconstructions = 0
        for row in file_rows(client, home, everything=True):
            if row.category == RECONSTRUCTIONS:
                found.reconstructions += 1
                continue
            place = place_of(row.category, row.owner, row.label)
            if place is not None:
                _holding(found, place).files[row.path] = row.known

    take_files()
    if any(holding.is_short for holding in found.holdings.values()):
        take_files()
    _require_counted(found)
    return found


def resources_at(client: XNATClient, home: Home, wanted: Choice) -> Contents:
    """List the resources of a project or a subject; `wanted` is the rule over their labels."""
    found = Contents()
    for resource in resources_of(client, home):
        if wanted.lets(resource.label):
            place = _labelled(Place(OWN, "", resource.label))
            holding = found.holdings[place] = Holding(resource)
            about = ("resource", resource.label)
            for _ in range(2):
                for row in client.iter_rows(f"{resource.uri}/files", about=about):
                    name = relative_path(row.get("URI", "")) or row.get("Name", "")
                    holding.files[name] = _known(row)
                if not holding.is_short:
                    break
    _require_counted(found)
    return found


def file_rows(client: XNATClient, home: Home, *, everything: bool) -> Iterator[Row]:
    """The files of all resources of an item, with `everything` those of its scans and assessors."""
    params = {"all": "true"} if everything else None
    rows = listing(client, *home.parts, "files", params=params, about=home.about)
    for row in with_labels(client, rows, home.path, home.about):
        uri = str(row.get("URI") or "")
        owner = _OWNER.search(uri.partition("/resources/")[0])
        category, name = (owner[1], owner[2]) if owner else (OWN, "")
        inside = relative_path(uri) or str(row.get("Name") or "")
        yield Row(category, name, str(row.get("collection") or ""), inside, _known(row))


def typed_scans(client: XNATClient, session: Session) -> list[Scan]:
    """The scans of a session with the UIDs of their series; none for other experiments."""
    if not is_imaging(session.xsi_type):
        return []
    return scans_of(client, session, f"{COLUMNS},UID")


def assessors_of(client: XNATClient, session: Session) -> list[Assessor]:
    """The assessors of a session; none for other experiments."""
    if not is_imaging(session.xsi_type):
        return []
    rows = client.rows(
        path("data", "experiments", session.id, "assessors"), about=("session", session.label)
    )
    return [
        Assessor(row.get("ID", ""), row.get("label") or row.get("ID", ""), row.get("xsiType", ""))
        for row in rows
    ]


def is_imaging(xsi_type: str | None) -> bool:
    """Whether experiments of this type have scans."""
    return (xsi_type or "").endswith("SessionData")


def _require_listed(owner: str, listed: Container[str], rule: Choice, kind: str) -> None:
    """Raise for a resource whose owner no list tells: what is missing there is not unwanted."""
    if owner not in listed and rule.sync_type != "none":
        raise TransferError(
            f"{kind} {owner} has resources, and the source does not list it; try again"
        )


def _require_counted(found: Contents) -> None:
    """Raise DownloadError for an empty listing of a resource that has files by its own count."""
    for holding in found.holdings.values():
        if not holding.files:
            require_no_files(holding.resource)


def _holding(found: Contents, place: Place) -> Holding:
    if place not in found.holdings:
        # It came to be between the two listings.
        raise TransferError(f"{place} has just been made on the source; try again")
    return found.holdings[place]


def _labelled(place: Place) -> Place:
    if not place.label:
        owner = f" of {place.category.removesuffix('s')} {place.owner}" if place.owner else ""
        raise TransferError(f"a resource{owner} has no label, so it cannot be made elsewhere")
    return place


def _known(row: dict[str, str]) -> Known:
    size, digest = str(row.get("Size") or ""), str(row.get("digest") or "")
    try:
        md5 = bytes.fromhex(digest)
    except ValueError:
        md5 = b""
    return Known(int(size) if size.isdigit() else None, md5 if len(md5) == 16 else b"")
