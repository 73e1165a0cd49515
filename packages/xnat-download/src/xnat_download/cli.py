"""Download projects, sessions, scans, resources and files, every byte checked.

Usage:
  xnat-download [options] [--resource=<labels>]... [--exclude-resource=<labels>]...

The objects are records on standard input, of kind project, subject, session, scan, resource and
file, in any order: what xnat-ls prints. The same command again brings only what is missing. Files
appear under their names only when they are whole and right. Without records, with --check, a
folder is audited offline.

Commands, for objects that are named:
  session    Download one session.
  scans      Download scans of a session.
  resource   Download one resource of a session or a scan.
  extract    Unpack archives of earlier downloads.
  check      Audit a folder by its manifests, offline.

'xnat-download <command> --help' explains each.

Options:
  --out=<dir>              Folder to download to; made if need be.
  --check=<dir>            Audit this folder, as the command 'check' does.
  -s --scans=<ids>         Only these scans of sessions: 1,2,3 or * for all.
  -r --resource=<labels>   Only resources of these labels, separated by commas. Repeatable.
  --exclude-resource=<labels>  No resources of these labels. Repeatable, too.
  --session-resources      Also what hangs at sessions, and at projects and subjects, themselves.
  --assessors              Also the resources of assessors and reconstructions.
  --pattern=<glob>         Only files whose name or path in the resource matches.
  --layout=<template>      Other paths below --out, made of {project} {subject} {session}
                           {session_id} {scan} {type} {series} {assessor} {resource} and {name} or
                           {path}: '{subject}/{session}/{scan}-{type}/{name}'. Two files that would
                           get one path are an error before anything is fetched.
  --verify                 Compare also what is there with the digests of the server, and fail where
                           it has none at all.
  --zip                    Keep the server's archives as files, checked: scans.zip and others.
  --each                   Print a record per file, too.
  --dry-run                Print what would be downloaded.
  -w --workers=<n>         How many requests at once.

What is where: SESSION/scans/ID/resources/LABEL/files/..., SESSION/resources/LABEL/files/...,
SESSION/assessors/LABEL/resources/LABEL/files/..., and SESSION/manifest.ndjson, written last.

Exit status: 8 when bytes differ from what the server says; else as for all tools.

Examples:
  xnat-ls sessions -P NEURO --modality MR | xnat-download --out ./data
  xnat-ls files -P NEURO NEURO_01_MR1 --where 'name~json$' | xnat-download --out ./data
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from xnat_core.commandline import Command
from xnat_core.run import run
from xnat_download import __version__

if TYPE_CHECKING:
    from xnat_core.job import Job
    from xnat_core.records import Record

_COLUMNS = ("kind", "session", "scan", "label", "files", "bytes", "skipped", "path")
_OLD = {
    "--unzip": ("--extract",),
    "--no-unzip": ("--no-extract",),
    "--cleanup": (),
    "--no-cleanup": ("--extract", "--keep-zips"),
    "--include-resources": ("--session-resources",),
    "--no-parallel": ("--workers=1",),
    "--parallel": (),
    "--session": ("--experiment",),
}

COMMANDS = {
    "": Command("xnat_download.cli", bounded=True, columns=_COLUMNS, identifier="path"),
    **{
        verb: Command(
            f"xnat_download.{verb}",
            bounded=True,
            columns=_COLUMNS,
            identifier="path",
            aliases=_OLD,
        )
        for verb in ("session", "scans", "resource")
    },
    "extract": Command(
        "xnat_download.extract",
        server=False,
        columns=("path", "files", "bytes", "outcome"),
        identifier="path",
    ),
    "check": Command(
        "xnat_download.check",
        server=False,
        columns=("path", "files", "bytes", "verified", "outcome"),
        identifier="path",
    ),
}


def work(job: Job) -> Iterator[Record]:
    """Without a verb: records from standard input, or an audit."""
    from xnat_download.stream import work as stream

    return stream(job)


def main(argv: Sequence[str] | None = None) -> int:
    """Run xnat-download."""
    return run("xnat-download", __version__, __doc__, COMMANDS, argv)
