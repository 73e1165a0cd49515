"""Download one session.

Usage:
  xnat-download session [options] [--resource=<labels>]... [--exclude-resource=<labels>]...

Without -E, records of sessions are read from standard input. The scans go to
NAME/scans/ID/resources/LABEL/files/... below --out, and NAME/manifest.ndjson is written last. The
same command again brings only what is missing.

Options:
  -E --experiment=<name>   The session: accession ID, or label with -P.
  -P --project=<id>        Project; else the default project of the profile.
  -S --subject=<name>      The subject that the session must be of.
  --out=<dir>              Folder to download to [default: .].
  --name=<folder>          Name of the session's folder, instead of its label.
  -s --scans=<ids>         Only these scans: 1,2,3 or * for all.
  -r --resource=<labels>   Only resources of these labels, separated by commas. Repeatable.
  --exclude-resource=<labels>  No resources of these labels. Repeatable, too.
  --session-resources      Also the resources of the session itself.
  --assessors              Also the resources of assessors and reconstructions.
  --pattern=<glob>         Only files whose name or path in the resource matches.
  --verify                 Compare also what is there with the digests of the server, and fail where
                           it has none at all.
  --extract                Unpack while it arrives, which is the default unless the profile says
                           otherwise ('extract: false').
  --no-extract             Keep the server's archives as they are, checked: NAME/scans.zip, and
                           NAME/resources_LABEL.zip for resources of the session itself.
  --zip                    The same.
  --keep-zips              Keep the archives, and unpack them, too.
  --each                   Print a record per file, too.
  --dry-run                Print what would be downloaded.
  -w --workers=<n>         How many requests at once; 1 unless the profile says otherwise.

Examples:
  xnat-download session -P NEURO -E NEURO_01_MR1 --out ./data --session-resources
  xnat-download session -E XNAT_E00042 -r NIFTI --verify
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from xnat_core.errors import UsageError
from xnat_core.job import Job
from xnat_core.records import Record
from xnat_core.validation import validate_workers
from xnat_download.engine import Options
from xnat_download.running import download, extracts, folder_of, options_of


def work(job: Job) -> Iterator[Record]:
    """Download a session that is named, or those that come."""
    options = options_for(job)
    if not job.args.text("--workers"):
        options = replace(options, workers=validate_workers(job.profile.workers or 1))
    return download(job, options, sessions(job, options))


def options_for(job: Job) -> Options:
    """The options that `session` and `scans` have in common."""
    extract, keep = extracts(job)
    options = options_of(job, job.args.path("--out") or Path())
    if options.selection.pattern and (keep or not extract):
        raise UsageError("--pattern picks files, an archive has all of them: leave --zip out")
    return replace(
        options,
        folder=folder_of(job),
        archives=keep or not extract,
        unpack=extract,
        workers=job.workers,
    )


def sessions(job: Job, options: Options) -> Iterable[Record]:
    """The record of the session that is named, else those of standard input."""
    named = job.args.text("--experiment")
    if job.wants_input(named):
        if options.folder is not None:
            raise UsageError("--name is for one session: name it with -E")
        return job.records("session")
    return [found(job, str(named))]


def found(job: Job, name: str) -> Record:
    """The record of a session that is named on the command line."""
    from xnat_core.services.lookup import find_session

    client = job.client()
    session = find_session(client, name, job.project(), job.args.text("--subject"))
    return session.to_record(client.base_url)
