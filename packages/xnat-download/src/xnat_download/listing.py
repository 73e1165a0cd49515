"""One listing of the server, taken into the inventory of an object."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from xnat_core.archive.paths import folded
from xnat_core.errors import DownloadError, IntegrityError, PathValidationError, XNATCtlError
from xnat_core.models.values import number
from xnat_core.records import Record
from xnat_core.services.resources import is_addressable
from xnat_core.urls import path, path_of_uri
from xnat_download.disk import Tree
from xnat_download.inventory import Group, Inventory
from xnat_download.manifest import NAME as MANIFEST
from xnat_download.names import Names
from xnat_download.places import Place
from xnat_download.records import file_record, resource_record
from xnat_download.selection import Selection
from xnat_download.template import Template

if TYPE_CHECKING:
    from xnat_core.client import XNATClient

Row = Mapping[str, str]
Details = Mapping[str, Mapping[str, str | None]]

_OWNER = re.compile(r"/(scan|assessor|reconstruction)s/([^/]+)(?:/(in|out))?$")
_MD5 = re.compile(r"[0-9a-f]{32}")
# Slashes and dots that no system takes for a part of the name.
_ODD = re.compile(r"(?:^|/)\.?(?:/|$)")


class Listing:
    """Sorts rows into resources and places, and refuses what cannot be written.

    `refuse` is told of a file or resource that cannot be had, and why.
    """

    def __init__(
        self,
        client: XNATClient,
        tree: Tree,
        names: Names,
        selection: Selection,
        template: Template | None,
        refuse: Callable[[Record, XNATCtlError], None],
    ) -> None:
        self.inventory = Inventory()
        self.scans_seen: set[str] = set()
        self.rows = 0
        self.unwanted: dict[int, tuple[int, int]] = {}
        self._client = client
        self._tree = tree
        self._names = names
        self._selection = selection
        self._template = template
        self._refuse = refuse
        self._groups: dict[tuple[str, str], Group | None] = {}
        self._assessors: dict[str, str] | None = None
        self._odd = False

    def take(self, rows: Iterable[Row], base: Place, details: Details) -> None:
        """Take in the files of a listing. `base` is the session, subject or project it is of,
        `details` tell type and series of each scan.

        Raises DownloadError when two files would get one name.
        """
        for row in rows:
            self.rows += 1
            before, _, rest = row.get("URI", "").partition("/resources/")
            resource, slash, inside = rest.partition("/files/")
            if not slash:
                raise DownloadError(f"the server lists a file at {row.get('URI')!r}")
            key = before, resource
            if key not in self._groups:
                self._groups[key] = self._group(row, before, resource, base)
            group = self._groups[key]
            if group is None:
                continue
            if self._selection.takes_file(inside):
                self._add(group, inside, row, details.get(group.place.scan or "", {}))
            else:
                files, size = self.unwanted.get(group.number, (0, 0))
                more = number(row.get("Size")) or 0
                self.unwanted[group.number] = files + 1, size + more

    def _group(self, row: Row, before: str, resource: str, base: Place) -> Group | None:
        place = self._place(before, base)
        if place.scan is not None:
            self.scans_seen.add(place.scan)
        label = row.get("collection") or resource
        selection = self._selection
        wanted = selection.takes_level(place.level) and selection.takes_resource(label)
        if not wanted or (place.scan is not None and not selection.takes_scan(place.scan)):
            return None
        above = path_of_uri(before)
        name = label if is_addressable(label) else resource
        groups = self.inventory.groups
        group = Group(
            number=len(groups),
            place=place,
            label=label,
            uri=above + path("resources", resource),
            archive_uri=above + path("resources", name),
            folder="",
            format=row.get("file_format") or None,
        )
        try:
            folder = place.of_resource(label)
            if any(other.folder == folder for other in groups):
                raise PathValidationError(folder, "two resources of one label")
            group = replace(group, folder="" if self._template else folder)
        except PathValidationError as error:
            self._refuse(resource_record(self._client.base_url, group), error)
            return None
        groups.append(group)
        return group

    def _place(self, before: str, base: Place) -> Place:
        found = _OWNER.search(before)
        if found is None or base.level in ("project", "subject"):
            return base
        level, owner, direction = found.groups()
        name = owner
        if level == "assessor" and self._selection.assessors:
            name = self._assessor_label(base, owner)
        return replace(base, level=level, owner=name, owner_id=owner, direction=direction or "")

    def _assessor_label(self, base: Place, id: str) -> str:
        if self._assessors is None:
            where = path("data", "experiments", str(base.session_id), "assessors")
            rows = self._client.rows(where, about=("session", str(base.session)))
            self._assessors = {row.get("ID", ""): row.get("label", "") for row in rows}
        return self._assessors.get(id) or id

    def _add(self, group: Group, inside: str, row: Row, details: Mapping[str, str | None]) -> None:
        size, digest = number(row.get("Size")), row.get("digest", "").lower()
        md5 = digest if _MD5.fullmatch(digest) else None
        template, inventory = self._template, self.inventory
        dest: str | None = None
        if template is not None:
            dest = template.destination(group.place, group.label, inside, details)
        name = f"{group.folder}/{inside}" if dest is None else dest
        try:
            if _ODD.search(name):
                name = dest = _plain(name, inside)
            self._tree.path(name)
            self._require_no_manifest(name, group)
            key = self._key(name, dest, group, inside)
            if inventory.add(group.number, inside, size, md5, dest, key):
                self._require_own(name, group, inside)
                return
            self._explain(group, inside, size, md5, name, key)
        except (PathValidationError, IntegrityError) as error:
            self._refuse(file_record(self._client.base_url, group, inside, size, md5), error)

    def _key(self, name: str, dest: str | None, group: Group, inside: str) -> str | None:
        """What no other file may have, for a name that another one could have, too."""
        if self._tree.folds_case:
            return folded(name)
        if self._template is None and dest is not None:
            # From now on all have keys; those before had names that are what they look like.
            self._odd = True
            there = self.inventory.find(group.number, name[len(group.folder) + 1 :])
            if there is not None:
                raise PathValidationError(inside, f"the same name on this disk as {there.path}")
        return name if self._odd else dest

    def _require_no_manifest(self, name: str, group: Group) -> None:
        """With a template, a file may meet the manifest of its own folder."""
        if self._template is None or folded(name.rpartition("/")[2]) != MANIFEST:
            return
        folder = self._template.session_folder(group.place)
        if name.rpartition("/")[0] == folder:
            raise PathValidationError(name, "that is where the manifest of this folder goes")

    def _require_own(self, name: str, group: Group, inside: str) -> None:
        """With a template, files of different objects may meet."""
        if self._template is None:
            return
        folder = self._template.session_folder(group.place)
        other = self._names.take(name, self._client.base_url, group, inside, folder)
        if other is not None:
            raise self._collision(name, f"{group.uri}/files/{inside}", other)

    def _explain(
        self,
        group: Group,
        inside: str,
        size: int | None,
        md5: str | None,
        name: str,
        key: str | None,
    ) -> None:
        """Why the inventory did not take a file; listed twice with the same facts is no reason."""
        twin = self.inventory.find(group.number, inside)
        if twin is not None:
            if (twin.size, twin.digest) != (size, md5):
                raise IntegrityError(f"{inside}: the server lists it twice, with different facts")
            return
        holder = self.inventory.holder(key or "")
        other = f"{self.inventory.groups[holder.group].uri}/files/{holder.path}" if holder else "?"
        if self._template is not None:
            raise self._collision(name, f"{group.uri}/files/{inside}", other)
        raise PathValidationError(name, f"the same name on this disk as {other}")

    def _collision(self, name: str, one: str, other: str) -> DownloadError:
        assert self._template is not None
        return DownloadError(
            f"--layout {self._template.text}: {one} and {other} would both be {name}"
        )


def _plain(name: str, inside: str) -> str:
    """The same name without doubled slashes and folders that are called `.`."""
    if not PurePosixPath(inside).parts:
        raise PathValidationError(repr(inside), "no name of a file")
    return str(PurePosixPath(name))
