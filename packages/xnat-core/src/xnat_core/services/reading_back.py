"""Size and MD5 of files of a resource of which the server lists neither: they are read for both."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from xnat_core.archive_forms import NoArchive
from xnat_core.errors import NetworkError, OperationError, ResourceNotFoundError
from xnat_core.files import size_and_md5
from xnat_core.models import Resource, ResourceFile
from xnat_core.services.resource_archive import files_of_archive
from xnat_core.urls import path

if TYPE_CHECKING:
    from xnat_core.client import XNATClient

# What passes in an archive for nothing may be so much for each request that is saved.
_REQUEST_WORTH = 1 << 20


def told(
    client: XNATClient, files: Mapping[str, ResourceFile], names: Iterable[str]
) -> dict[str, ResourceFile]:
    """The same files, which are all of a resource; those of `names` of which neither size nor MD5
    is listed are read for both.

    They come as one archive where little else is in the resource; what that does not bring is asked
    for by itself. One that cannot be asked for, or is listed and gone, stays as it is.
    """
    silent = {
        name: file
        for name in names
        if (file := files.get(name)) is not None
        and file.size is None
        and not file.digest
        and file.uri is not None
    }
    found = _read_at_once(client, files, silent) if _is_most(files, silent) else {}
    alone = {name: _read(client, file) for name, file in silent.items() if name not in found}
    return {**files, **found, **alone}


def _is_most(files: Mapping[str, ResourceFile], wanted: Collection[str]) -> bool:
    """Whether to ask for all costs less than a request for each that is wanted."""
    others = [file.size for name, file in files.items() if name not in wanted]
    # One whose size nobody knows may be larger than all of them.
    in_vain = [size for size in others if size is not None]
    return (
        len(wanted) > 1
        and len(in_vain) == len(others)
        and sum(in_vain) < len(wanted) * _REQUEST_WORTH
    )


def _read_at_once(
    client: XNATClient, files: Mapping[str, ResourceFile], wanted: Mapping[str, ResourceFile]
) -> dict[str, ResourceFile]:
    """Those that an archive of the resource brings; none where the server makes no archives."""
    places = {_place_of(file) for file in wanted.values()}
    names = {file.path: name for name, file in wanted.items()}
    found: dict[str, ResourceFile] = {}
    if len(places) > 1 or len(names) < len(wanted):
        return found
    label = next(iter(wanted.values())).collection or ""
    resource = Resource(label=label, uri=places.pop())
    listed = {file.path: file for file in files.values()}
    arriving = files_of_archive(client, resource, listed, names, by_path=True)
    # Whatever keeps it from coming whole, the requests for single files tell what that means.
    with (
        suppress(NetworkError, NoArchive, OperationError, ResourceNotFoundError),
        closing(arriving),
    ):
        for inside, blocks in arriving:
            size, digest = size_and_md5(blocks)
            name = names[inside]
            found[name] = replace(wanted[name], size=size, digest=digest)
    return found


def _place_of(file: ResourceFile) -> str:
    """Where its resource is, by the number that the server gives it: no other has that."""
    return str(file.uri).removesuffix(path("files", *file.path.split("/")))


def _read(client: XNATClient, file: ResourceFile) -> ResourceFile:
    try:
        with client.stream(str(file.uri), about=("file", file.path)) as stream:
            size, digest = size_and_md5(stream.blocks())
    except ResourceNotFoundError:
        return file
    return replace(file, size=size, digest=digest)
