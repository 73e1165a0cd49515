"""Download one resource of a session, scan, subject or project.

Usage:
  xnat-download resource [options] [<name>]...

<name>... are SESSION and LABEL; with -E only LABEL. With -P, or -P and -S, and only LABEL it is the
resource of the project or subject itself. Without any, records of resources are read from standard
input. The files go to .../resources/LABEL/files/... below --out.

Options:
  -E --experiment=<name>   The session: accession ID, or label with -P.
  -P --project=<id>        Project; else the default project of the profile.
  -S --subject=<name>      The subject of the session, or the one that has the resource.
  --scan=<id>              The resource is one of this scan.
  --out=<dir>              Folder to download to [default: .].
  --name=<folder>          Name of the session's folder, instead of its label.
  -f --file=<path>         Keep the server's archive, a zip, at this path; folders are made, what
                           is there is replaced.
  --zip                    Keep it at LABEL.zip below --out; it is checked. One of another session
                           or scan is not replaced.
  --no-extract             The same.
  --extract                Unpack while it arrives, which is the default unless the profile says
                           otherwise ('extract: false').
  --pattern=<glob>         Only files whose name or path in the resource matches.
  --verify                 Compare also what is there with the digests of the server, and fail where
                           it has none at all.
  --each                   Print a record per file, too.
  --dry-run                Print what would be downloaded.
  -w --workers=<n>         How many requests at once.

Examples:
  xnat-download resource -P NEURO NEURO_01_MR1 BIDS --out ./data
  xnat-download resource XNAT_E00042 NIFTI --scan 4 --file nifti.zip
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from xnat_core.errors import UsageError
from xnat_core.job import Job
from xnat_core.records import Record
from xnat_download.engine import Options
from xnat_download.running import download, folder_of, options_of


def work(job: Job) -> Iterator[Record]:
    """Download the resource that is named, or those that come."""
    words = job.args.texts("<name>")
    if len(words) > 2 or (len(words) == 2 and job.args.text("--experiment")):
        raise UsageError("too many names: SESSION LABEL, or -E SESSION LABEL")
    options = _options(job)
    if job.wants_input(words):
        if options.folder is not None or job.args.text("--file"):
            raise UsageError("--name and --file are for one resource: name it")
        return download(job, options, job.records("resource"))
    if options.archives:
        given = job.args.path("--file")
        where = given or options.out / f"{words[-1]}.zip"
        options = replace(options, archive_path=where, archive_is_named=given is not None)
    return download(job, options, _named(job, words))


def _options(job: Job) -> Options:
    args = job.args
    zipped = bool(args.text("--file")) or args.flag("--zip") or args.flag("--no-extract")
    if args.flag("--extract") and zipped:
        raise UsageError("--extract excludes --file, --zip and --no-extract")
    archives = zipped or (not args.flag("--extract") and job.profile.extract is False)
    options = options_of(job, args.path("--out") or Path())
    if archives and options.selection.pattern:
        raise UsageError("--pattern picks files, an archive has all of them: leave --zip out")
    return replace(options, folder=folder_of(job), archives=archives, workers=job.workers)


def _named(job: Job, words: tuple[str, ...]) -> Iterable[Record]:
    """The record of the resource that the command line names."""
    from xnat_core.services.homes import Home
    from xnat_core.services.lookup import find_session, find_subject
    from xnat_core.services.resources import find_resource
    from xnat_core.services.scans import find_scan

    client, args = job.client(), job.args
    subject, scan = args.text("--subject"), args.text("--scan")
    name = args.text("--experiment") or (words[0] if len(words) == 2 else None)
    if name is not None:
        session = find_session(client, name, job.project(), subject)
        home = Home.of_session(session)
        if scan is not None:
            home = Home.of_scan(find_scan(client, session, scan))
    elif scan is not None:
        raise UsageError("--scan needs its session: SESSION LABEL, or -E SESSION LABEL")
    elif subject is not None:
        home = Home.of_subject(find_subject(client, subject, job.required_project()))
    else:
        home = Home.of_project(job.required_project())
    return [find_resource(client, home, words[-1]).to_record(client.base_url)]
