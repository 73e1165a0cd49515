"""Getting the files of a resource, one by one, each under its name only when it is whole."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from xnat_core.archive.paths import CaseCollisions, is_case_insensitive, safe_join
from xnat_core.errors import DownloadError, OperationError, PathValidationError, XNATCtlError
from xnat_core.files import atomic_write, copy_blocks
from xnat_core.models import DownloadSummary, ResourceFile

if TYPE_CHECKING:
    from xnat_core.client import XNATClient


def fetch(
    client: XNATClient, files: Iterable[ResourceFile], dest: Path, *, session_id: str = ""
) -> DownloadSummary:
    """Fetch `files` to their paths below `dest`; one failure does not stop the rest."""
    begin = time.monotonic()
    errors: list[str] = []
    total = size = 0
    verified = True
    names: CaseCollisions | None = None
    for file in files:
        total += 1
        try:
            final = safe_join(dest, file.path)
            # Of an empty resource there is no folder.
            names = names or _names_in(dest)
            if (other := names.add(file.path)) not in (None, file.path):
                raise PathValidationError(file.path, f"the same name on this disk as {other}")
            size += _fetch(client, file, final)
            verified = verified and file.digest is not None
        except XNATCtlError as error:
            errors.append(f"{file.path}: {error.message}")
    return DownloadSummary(
        success=not errors,
        total=total,
        succeeded=total - len(errors),
        failed=len(errors),
        duration=time.monotonic() - begin,
        errors=errors,
        total_files=total,
        total_size_mb=size / (1 << 20),
        session_id=session_id,
        output_path=dest,
        verified=verified and not errors and total > 0,
    )


def _names_in(folder: Path) -> CaseCollisions:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return CaseCollisions(fold=is_case_insensitive(folder))
    except OSError as error:
        raise OperationError("write", f"{folder}: {error.strerror or error}") from error


def _fetch(client: XNATClient, file: ResourceFile, final: Path) -> int:
    if file.uri is None:
        raise DownloadError(f"{file.path}: cannot be asked for by this name", file.collection)
    with (
        client.stream(file.uri, about=("file", file.path)) as stream,
        atomic_write(final, size=file.size, md5=file.digest) as part,
    ):
        return copy_blocks(stream.blocks(), [part])
