"""What a resource holds, compared with local files and with what was sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from xnat_core.archive.members import Member
from xnat_core.errors import ResourceExistsError, ResourceNotFoundError, UploadError
from xnat_core.files import BLOCK, md5_of, new_md5
from xnat_core.lagging import look_until
from xnat_core.models import ResourceFile
from xnat_core.services.base import document, listing
from xnat_core.services.homes import Home, owner_in

if TYPE_CHECKING:
    from xnat_core.client import XNATClient


def stored_files(client: XNATClient, home: Home, label: str) -> dict[str, ResourceFile]:
    """The files of a resource by their paths in it; none when there is no such resource."""
    try:
        rows = listing(client, *home.parts, "resources", label, "files", about=home.about)
        own = (row for row in rows if home.lists(*owner_in(row.get("URI") or home.path)))
        return {file.path: file for file in (ResourceFile.from_row(row) for row in own)}
    except ResourceNotFoundError:
        # The server lists nothing for an unknown resource; one that answers 404 may mean either.
        if document(client, home.path, home.about) is None:
            raise
        return {}


def is_same(member: Member, file: ResourceFile) -> bool:
    """Whether the server has this file; the local one is read only where the sizes agree, or where
    the server tells the digest alone."""
    if not _may_be(file, member.size):
        return False
    return not file.digest or file.digest == md5_of(member.path)


def is_torn(member: Member, file: ResourceFile) -> bool:
    """Whether the server has the beginning of this file and no more."""
    if file.size is None or file.size >= member.size or not file.digest:
        return False
    digest, left = new_md5(), file.size
    with member.path.open("rb") as source:
        while left and (block := source.read(min(left, BLOCK))):
            digest.update(block)
            left -= len(block)
    return digest.hexdigest() == file.digest


def not_stored(home: Home, what: str) -> UploadError:
    """The error for what the server answered for and does not list."""
    return UploadError(
        f"{what}: the server did not store it (no permission to change "
        f"{home.about[0]} {home.about[1]}?)",
        what,
    )


def differs(label: str, name: str) -> ResourceExistsError:
    """The error for a file of that name that is another one."""
    error = ResourceExistsError("file", f"{label}/{name}")
    error.message += " with other content; --overwrite replaces it"
    return error


def holds(stored: Mapping[str, ResourceFile], sent: Mapping[str, tuple[int, str]]) -> bool:
    """Whether the resource lists these files (size in bytes, MD5) as they are."""
    return all(
        (file := stored.get(name)) is not None and is_as_sent(file, *known)
        for name, known in sent.items()
    )


def comes_out(
    look: Callable[[], Mapping[str, ResourceFile]],
    sent: Mapping[str, tuple[int, str]],
    patience: float,
) -> bool:
    """Whether the resource lists these files within `patience` (seconds), as it does in the end
    where a proxy did not wait for the server that unpacks them."""
    return bool(sent) and holds(look_until(look, lambda now: holds(now, sent), patience), sent)


def is_as_sent(file: ResourceFile, size: int, digest: str) -> bool:
    """Whether the server has these bytes, as far as its listing tells."""
    return _may_be(file, size) and (not file.digest or file.digest == digest)


def _may_be(file: ResourceFile, size: int) -> bool:
    """Whether its size allows it. One that is blank does where a digest is there to decide."""
    return file.size == size or (file.size is None and bool(file.digest))


def require_as_sent(
    stored: Mapping[str, ResourceFile], home: Home, label: str, sent: Mapping[str, tuple[int, str]]
) -> int:
    """Raise when the resource does not hold these files (size in bytes, MD5).

    Returns how many have no digest on the server, so that only sizes were compared.
    """
    unverifiable = 0
    for name, (size, digest) in sent.items():
        file = stored.get(name)
        if file is None and sent.keys().isdisjoint(stored):
            raise not_stored(home, f"{label}/{name}")
        if file is None:
            # What came with it was stored: that is no want of permission.
            raise UploadError(
                f"{label}/{name}: the server did not store it, or under another name", name
            )
        if not is_as_sent(file, size, digest):
            raise differs(label, name)
        unverifiable += not file.digest
    return unverifiable
