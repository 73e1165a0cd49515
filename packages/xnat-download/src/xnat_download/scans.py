"""Download scans of a session.

Usage:
  xnat-download scans [options] [--resource=<labels>]... [--exclude-resource=<labels>]...

Without -E, records of sessions and scans are read from standard input. The files go to
NAME/scans/ID/resources/LABEL/files/... below --out. A scan that has no resource of the wanted label
is no error.

Options:
  -E --experiment=<name>   The session: accession ID, or label with -P.
  -P --project=<id>        Project; else the default project of the profile.
  -S --subject=<name>      The subject that the session must be of.
  -s --scans=<ids>         The scans: 1,2,3 or * for all; needed with -E.
  --out=<dir>              Folder to download to [default: .].
  --name=<folder>          Name of the session's folder, instead of its label.
  -r --resource=<labels>   Only resources of these labels, separated by commas. Repeatable.
  --exclude-resource=<labels>  No resources of these labels. Repeatable, too.
  --pattern=<glob>         Only files whose name or path in the resource matches.
  --verify                 Compare also what is there with the digests of the server, and fail where
                           it has none at all.
  --extract                Unpack while it arrives, which is the default unless the profile says
                           otherwise ('extract: false').
  --no-extract             Keep the server's archive as it is, checked: NAME/scans.zip.
  --zip                    The same.
  --keep-zips              Keep the archive, and unpack it, too.
  --each                   Print a record per file, too.
  --dry-run                Print what would be downloaded.
  -w --workers=<n>         How many requests at once.

Examples:
  xnat-download scans -P NEURO -E NEURO_01_MR1 -s 1,4 -r NIFTI --out ./data
  xnat-ls scans -P NEURO -E NEURO_01_MR1 --where type~T1 | xnat-download scans --out ./data
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xnat_core.errors import UsageError
from xnat_core.job import Job
from xnat_core.records import Record
from xnat_download.engine import Options
from xnat_download.running import download
from xnat_download.session import found, options_for


def work(job: Job) -> Iterator[Record]:
    """Download the scans of the session that is named, or those that come."""
    options = options_for(job)
    return download(job, options, _objects(job, options))


def _objects(job: Job, options: Options) -> Iterable[Record]:
    named = job.args.text("--experiment")
    if job.wants_input(named):
        if options.folder is not None:
            raise UsageError("--name is for one session: name it with -E")
        return job.records("session", "scan")
    if job.args.text("--scans") is None:
        raise UsageError("--scans is needed: 1,2,3 or *")
    return [found(job, str(named))]
