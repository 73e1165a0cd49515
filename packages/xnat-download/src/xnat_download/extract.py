"""Unpack archives of earlier downloads.

Usage:
  xnat-download extract [options] <dir>

Each zip that a download has left in <dir> is unpacked beside it, without its top folder, to
scans/ID/resources/LABEL/files/... and the like, and removed when every entry has been written. What
is a download is told by its entries: a zip that is data itself is left alone, and so is everything
in the files of a resource. The manifest beside it is kept up to date.

Options:
  -r --recursive    Also in the folders below <dir>.
  --no-cleanup      Keep the archives.
  --cleanup         Remove them, which is the default.
  --dry-run         Print what would be unpacked.

Example:
  xnat-download extract ./data --recursive
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from xnat_core.errors import UsageError, XNATCtlError
from xnat_core.job import Job
from xnat_core.records import Record, failed
from xnat_core.user_paths import existing_folder


def work(job: Job) -> Iterator[Record]:
    """A record per archive."""
    from xnat_download.unpacking import downloads_in, unpack

    args = job.args
    if args.flag("--cleanup") and args.flag("--no-cleanup"):
        raise UsageError("--cleanup and --no-cleanup exclude each other")
    folder = existing_folder(args.required("<dir>"))
    found = False
    for archive in downloads_in(folder, recursive=args.flag("--recursive")):
        found = True
        record: Record = {"kind": "archive", "path": str(archive)}
        try:
            yield unpack(
                archive,
                record,
                cleanup=not args.flag("--no-cleanup"),
                dry_run=args.flag("--dry-run"),
            )
        except XNATCtlError as error:
            yield failed(record, error)
    # A folder below that cannot be read is no failure: nobody asked for what is in it.
    with suppress(XNATCtlError):
        if not found and any(downloads_in(folder, recursive=True)):
            job.console.warning(f"{folder} has archives in its folders only: -r unpacks them")
