"""Putting files into a resource, and looking that they are there.

The server answers 200 for what it stored, for what it did not store because a file of that name
exists, and for what it ignored for want of permission.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xnat_core.archive.members import Member
from xnat_core.archive.zip_writer import ZipStream
from xnat_core.bodies import Body, FileBody
from xnat_core.errors import ResourceExistsError, UploadError
from xnat_core.files import md5_of
from xnat_core.models import ResourceFile
from xnat_core.services.base import listing
from xnat_core.services.homes import Home
from xnat_core.urls import path

if TYPE_CHECKING:
    from requests import Response

    from xnat_core.client import XNATClient

_UNPACKED = (".zip", ".tar.gz", ".tgz", ".tar", ".gz", ".zar", ".xar")
# The server does not decode other characters of a name in a path; names in archives it takes.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9._-]+")


def send_file(
    client: XNATClient, home: Home, label: str, local: Path, *, extract: bool, overwrite: bool
) -> dict[str, Any]:
    """Send one file; see `ResourceService.upload_file`."""
    size = local.stat().st_size
    facts = {"success": True, "file": str(local), "size": size, "extracted": extract}
    if extract:
        name = f"upload{_archive_suffix(local)}"
        answer = _put(client, home, label, name, FileBody(local), extract=True, overwrite=overwrite)
        duplicates = _duplicates(answer)
        if duplicates:
            raise ResourceExistsError("file", ", ".join(duplicates))
        return facts
    digest = md5_of(local)
    if _PLAIN_NAME.fullmatch(local.name):
        _put(client, home, label, local.name, FileBody(local), extract=False, overwrite=overwrite)
    else:
        body = ZipStream([Member.of(local, local.name)])
        _put(client, home, label, "upload.zip", body, extract=True, overwrite=overwrite)
    _compare(client, home, label, {local.name: (size, digest)})
    return facts


def send_folder(
    client: XNATClient, home: Home, label: str, local: Path, *, overwrite: bool
) -> dict[str, Any]:
    """Send a folder; see `ResourceService.upload_directory`."""
    members = [
        Member.of(file, file.relative_to(local).as_posix())
        for file in sorted(local.rglob("*"))
        if file.is_file()
    ]
    if not members:
        raise UploadError(f"{local}: no files in it", local)
    digests: dict[str, str] = {}
    body = ZipStream(members, on_digest=lambda member, md5: digests.update({member.name: md5}))
    _put(client, home, label, "upload.zip", body, extract=True, overwrite=overwrite)
    _compare(client, home, label, {m.name: (m.size, digests[m.name]) for m in members})
    return {
        "success": True,
        "file": str(local),
        "files": len(members),
        "size": sum(member.size for member in members),
        "extracted": True,
    }


def _put(
    client: XNATClient,
    home: Home,
    label: str,
    name: str,
    body: Body,
    *,
    extract: bool,
    overwrite: bool,
) -> Response:
    params = {
        "inbody": "true",
        "extract": "true" if extract else None,
        "overwrite": "true" if overwrite else None,
    }
    where = home.path + path("resources", label, "files", name)
    # A file that arrived the first time is found by the second one, which changes nothing then.
    return client.put(where, params=params, body=body, about=home.about, repeatable=True)


def _archive_suffix(local: Path) -> str:
    for suffix in _UNPACKED:
        if local.name.lower().endswith(suffix):
            return suffix
    raise UploadError(f"{local}: the server unpacks only {', '.join(_UNPACKED)}", local)


def _duplicates(answer: Response) -> list[str]:
    try:
        found = json.loads(answer.text or "{}")
    except ValueError:
        return []
    return list(found.get("duplicates") or []) if isinstance(found, dict) else []


def _compare(
    client: XNATClient, home: Home, label: str, sent: Mapping[str, tuple[int, str]]
) -> None:
    """Raise when the resource does not hold these files (size in bytes, MD5)."""
    rows = listing(client, *home.parts, "resources", label, "files", about=home.about)
    stored = {file.path: file for file in (ResourceFile.from_row(row) for row in rows)}
    for name, (size, digest) in sent.items():
        file = stored.get(name)
        if file is None:
            raise UploadError(
                f"{label}/{name}: the server did not store it (no permission to change "
                f"{home.about[0]} {home.about[1]}?)",
                name,
            )
        if file.size != size or (file.digest and file.digest.lower() != digest):
            raise ResourceExistsError("file", f"{label}/{name} with other content")
