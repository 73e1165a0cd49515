"""Resources and their files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xnat_core.arguments import field_value, named, several, switch
from xnat_core.errors import (
    InvalidIdentifierError,
    OperationError,
    ResourceNotFoundError,
    XNATCtlError,
)
from xnat_core.lagging import look_until
from xnat_core.models import DownloadSummary, Resource, ResourceFile, UploadSummary
from xnat_core.services.base import BaseService, Row, listing
from xnat_core.services.homes import Home, parents_of
from xnat_core.services.lookup import find_session
from xnat_core.services.once import LONGEST_WAIT, ask_and_see
from xnat_core.services.resource_files import files_of_resource, require_no_files, row_of
from xnat_core.services.scans import find_scan
from xnat_core.urls import path
from xnat_core.user_paths import expanded
from xnat_core.validation import validate_lookup, validate_resource_label
from xnat_core.writers import natural

if TYPE_CHECKING:
    from xnat_core.client import XNATClient

Resources = list[Resource]
Files = list[ResourceFile]

_ADDRESSABLE = re.compile(r"(?!\d+$)[A-Za-z0-9_.-]+")


class ResourceService(BaseService):
    """Lists, fills, reads and removes the resources of sessions and scans."""

    def list(
        self,
        session_id: str | None = None,
        scan_id: str | None = None,
        project: str | None = None,
        *,
        session: str | None = None,
    ) -> Resources:
        """The resources of a session itself, or of one of its scans."""
        home = self._home(named(session_id, session, "session_id", "session"), scan_id, project)
        return resources_of(self.client, home)

    def get(
        self,
        session_id: str | None = None,
        resource_label: str | None = None,
        scan_id: str | None = None,
        project: str | None = None,
        *,
        session: str | None = None,
        resource: str | None = None,
    ) -> Resource:
        """One resource. Raises ResourceNotFoundError."""
        home = self._home(named(session_id, session, "session_id", "session"), scan_id, project)
        return find_resource(
            self.client, home, named(resource_label, resource, "resource_label", "resource")
        )

    def list_files(
        self,
        session_id: str | None = None,
        resource_label: str | None = None,
        scan_id: str | None = None,
        project: str | None = None,
        *,
        session: str | None = None,
        resource: str | None = None,
    ) -> Files:
        """The files of a resource. Raises ResourceNotFoundError when there is no such resource."""
        found = self.get(
            session_id, resource_label, scan_id, project, session=session, resource=resource
        )
        return list(files_of_resource(self.client, found))

    def create(
        self,
        session_id: str,
        resource_label: str,
        scan_id: str | None = None,
        project: str | None = None,
        format: str | None = None,
        content: str | None = None,
    ) -> Resource:
        """Make a resource, or find it made; `format` and `content` count only when it is new."""
        label = validate_resource_label(resource_label)
        home = self._home(session_id, scan_id, project)
        params = {
            "format": field_value(format, "format"),
            "content": field_value(content, "content"),
        }
        where = home.path + path("resources", address_of(self.client, home, label))
        self.client.put(where, params=params, accept={409}, repeatable=True)
        return made_resource(self.client, home, label)

    def delete(
        self,
        session_id: str,
        resource_label: str,
        scan_id: str | None = None,
        project: str | None = None,
        remove_files: bool = True,
    ) -> bool:
        """Delete a resource with its files, and look that it is gone.

        Raises ResourceNotFoundError: the server would report success.
        """
        remove_files = switch(remove_files, "remove_files")
        home = self._home(session_id, scan_id, project)
        found = find_resource(self.client, home, resource_label)
        params = {"removeFiles": "true" if remove_files else "false"}
        about = ("resource", resource_label)
        ask_and_see(
            lambda: self.client.delete(str(found.uri), params=params, about=about),
            lambda: not is_listed(self.client, home, found),
            longest=LONGEST_WAIT,
        )
        if not is_resource_gone(self.client, home, found):
            raise OperationError(
                "delete", f"the server reported success, but {resource_label!r} is still there"
            )
        return True

    def upload_file(
        self,
        session_id: str,
        resource_label: str,
        file_path: str | Path,
        scan_id: str | None = None,
        project: str | None = None,
        extract: bool = False,
        overwrite: bool = False,
    ) -> dict[str, Any]:
        """Send one file as it is; with `extract` an archive that the server unpacks.

        Returns `success`, `file`, `size` (bytes) and `extracted`. What is stored is compared
        afterwards. Raises FileNotFoundError, ResourceExistsError for a file that is there already
        with other content, UploadError when the server did not store it.
        """
        from xnat_core.services.local_paths import send_file

        extract, overwrite = switch(extract, "extract"), switch(overwrite, "overwrite")
        local = expanded(file_path)
        if not local.is_file():
            raise FileNotFoundError(f"{local}: no such file")
        label = validate_resource_label(resource_label)
        home = self._home(session_id, scan_id, project)
        label = address_of(self.client, home, label)
        return send_file(self.client, home, label, local, extract=extract, overwrite=overwrite)

    def upload_directory(
        self,
        session_id: str,
        resource_label: str,
        directory_path: str | Path,
        scan_id: str | None = None,
        project: str | None = None,
        overwrite: bool = False,
    ) -> dict[str, Any]:
        """Send a folder as one archive that the server unpacks, without a temporary file.

        Returns `success`, `file` (the folder), `files`, `size` (bytes) and `extracted`. What is
        stored is compared afterwards. Raises NotADirectoryError, and as `upload_file`.
        """
        from xnat_core.services.local_paths import send_folder

        overwrite = switch(overwrite, "overwrite")
        local = expanded(directory_path)
        if not local.is_dir():
            raise NotADirectoryError(f"{local}: not a directory")
        label = validate_resource_label(resource_label)
        home = self._home(session_id, scan_id, project)
        label = address_of(self.client, home, label)
        return send_folder(self.client, home, label, local, overwrite=overwrite)

    def upload(
        self,
        session: str,
        resource: str,
        files: Iterable[str | Path],
        project: str | None = None,
        scan: str | None = None,
        overwrite: bool = False,
    ) -> UploadSummary:
        """Send several files, each under its own name; one failure does not stop the rest."""
        import time

        begin = time.monotonic()
        overwrite = switch(overwrite, "overwrite")
        paths = [expanded(file) for file in several(files, "files")]
        errors: list[str] = []
        size = 0
        for file in paths:
            try:
                sent = self.upload_file(session, resource, file, scan, project, overwrite=overwrite)
                size += sent["size"]
            except (XNATCtlError, OSError) as error:
                errors.append(str(error))
        return UploadSummary(
            success=not errors,
            total=len(paths),
            succeeded=len(paths) - len(errors),
            failed=len(errors),
            duration=time.monotonic() - begin,
            errors=errors,
            total_files=len(paths),
            total_size_mb=size / (1 << 20),
            session_id=session,
        )

    def download(
        self,
        session: str,
        resource: str,
        dest: str | Path,
        project: str | None = None,
        scan: str | None = None,
    ) -> DownloadSummary:
        """Fetch the files of a resource into the folder `dest`, each checked as it arrives.

        Raises DownloadError when the server lists none of a resource that has files by its count.
        """
        from xnat_core.services.fetching import fetch

        found = self.get(session, resource, scan, project)
        files = files_of_resource(self.client, found)
        summary = fetch(self.client, files, expanded(dest), session_id=session)
        if not summary.total:
            require_no_files(found)
        return summary

    def _home(self, session_id: str, scan_id: str | None, project: str | None) -> Home:
        session = find_session(self.client, session_id, project)
        if scan_id is None:
            return Home.of_session(session)
        return Home.of_scan(find_scan(self.client, session, scan_id))


def resources_of(client: XNATClient, home: Home, *, everything: bool = False) -> Resources:
    """The resources of a home; with `everything`, a session's, its scans' and its assessors'.

    One request either way. Raises ResourceNotFoundError when the home does not exist.
    """
    params = {"all": "true"} if everything and home.parts[0] == "experiments" else None
    rows = listing(client, *home.parts, "resources", params=params, about=home.about)
    found = (_resource(row, home, everything) for row in rows if _is_own(row, home))
    return sorted(found, key=lambda one: (natural(one.scan_id), one.assessor or "", one.label))


def is_addressable(label: str) -> bool:
    """Whether a resource can be asked for by its label.

    One of digits would be taken for a number, one with other characters not be found.
    """
    return _ADDRESSABLE.fullmatch(label) is not None


def address_of(client: XNATClient, home: Home, label: str, *, by_number: bool = True) -> str:
    """What a resource is asked for by: its label, or the number of one whose label is no name.

    Raises InvalidIdentifierError for a label that none can be made with: the server takes digits
    for a number, and keeps other characters as they travel.
    """
    if is_addressable(label):
        return label
    found = [resource for resource in resources_of(client, home) if resource.id]
    labelled = [resource.id for resource in found if resource.label == label]
    numbered = [resource.id for resource in found if by_number and resource.id == label]
    for number in labelled or numbered:
        return str(number)
    raise InvalidIdentifierError(
        "resource label",
        label,
        "must be letters, digits, underscores, hyphens and dots, and not only digits",
    )


def made_resource(client: XNATClient, home: Home, label: str) -> Resource:
    """The resource of that label, which has just been made: listings may lag behind that."""
    look_until(
        lambda: resources_of(client, home),
        lambda found: any(resource.label == label for resource in found),
    )
    return find_resource(client, home, label)


def is_resource_gone(client: XNATClient, home: Home, resource: Resource) -> bool:
    """Whether a resource that has just been deleted is listed no more."""
    return look_until(lambda: not is_listed(client, home, resource), bool)


def is_listed(client: XNATClient, home: Home, resource: Resource) -> bool:
    """Whether a home has this very resource now."""
    return any(one.id == resource.id for one in resources_of(client, home))


def find_resource(client: XNATClient, home: Home, label: str) -> Resource:
    """The resource of that label or number. Raises ResourceNotFoundError."""
    validate_lookup(label, "resource")
    found = resources_of(client, home)
    labelled = [resource for resource in found if resource.label == label]
    numbered = [resource for resource in found if not resource.label and resource.id == label]
    for resource in labelled or numbered:
        return resource
    raise ResourceNotFoundError("resource", f"{home.about[1]}/{label}")


def found_again(client: XNATClient, resource: Resource) -> Resource:
    """A resource that was listed, as the server has it now. Raises ResourceNotFoundError."""
    row = row_of(client, resource)
    known = {"uri": resource.uri, "category": resource.category, **parents_of(resource)}
    return Resource.from_row(row, **known)


def _is_own(row: Row, home: Home) -> bool:
    """Whether a row is of the home that was listed; the rows of some listings do not tell."""
    category, owner = row.get("category"), row.get("cat_id")
    return not (category and owner) or home.lists(category, owner)


def _resource(row: Row, home: Home, everything: bool) -> Resource:
    place = home.below(row.get("category"), row.get("cat_id")) if everything else home
    label, number = row.get("label") or "", row.get("xnat_abstractresource_id")
    name = label if is_addressable(label) or not number else number
    uri = place.path + path("resources", name) if name else None
    return Resource.from_row(row, uri=uri, category=place.category, **place.known)
