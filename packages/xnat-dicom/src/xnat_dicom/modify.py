"""Change values of DICOM files in place.

Usage:
  xnat-dicom modify [options] [--tag=<change>]... [<path>]...

Without a path, or with '-', records of kind 'dicom' are read from standard input.

Options:
  -t --tag=<change>  KEYWORD=VALUE; nothing behind the = empties it. Repeatable.
  -r --recursive     Enter the subfolders of folders.
  -b --backup        Keep the file as it was under its name with .bak.
  --dry-run          Say what would be changed, and change nothing.
  -w --workers=<n>   How many files at once.

Keywords and values are checked before the first file is touched. A file is replaced when the new
one is whole, and keeps its mode; one that has the values already is skipped. Elements inside
sequences stay as they are. A backup of an earlier state is not overwritten; what sends folders
passes backups over.

Examples:
  xnat-dicom modify -r ./S1 -t PatientID=SUB001 -t PatientName=SUB001 --backup
  xnat-dicom ls ./S1 --where series_number=4 | xnat-dicom modify -t SeriesDescription=rest
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from xnat_core.errors import UsageError
from xnat_core.job import Job
from xnat_core.records import Record, done, planned, skipped
from xnat_dicom.changes import Change, apply_all
from xnat_dicom.finding import Finder, without_remarks
from xnat_dicom.reading import damage, read_whole
from xnat_dicom.writing import back_up, write

_TURNS = 256
"""How many locks the files share; two names of one file have the same."""


def work(job: Job) -> Iterator[Record]:
    """A record per file."""
    changes = [Change.of(text) for text in job.args.texts("--tag")]
    if not changes:
        raise UsageError("what is to be changed? --tag KEYWORD=VALUE")
    if len({change.tag for change in changes}) < len(changes):
        raise UsageError("--tag: a keyword is given twice")
    backup, dry_run = job.args.flag("--backup"), job.args.flag("--dry-run")
    finder = Finder(job, recursive=job.args.flag("--recursive"))
    turns = [threading.Lock() for _ in range(_TURNS)]

    def act(record: Record) -> Iterable[Record]:
        # Not `resolve`, which raises for a link that leads to itself.
        path = Path(os.path.realpath(record["path"]))
        with turns[hash(path) % _TURNS]:
            return changed_file(record, path)

    def changed_file(record: Record, path: Path) -> Iterable[Record]:
        with damage(path):
            before = path.stat()
        dataset = read_whole(path)
        with damage(path):
            changed = list(apply_all(changes, dataset))
        if not changed:
            return [skipped(record)]
        if dry_run:
            return [planned(record, changed=changed)]
        if backup:
            back_up(path)
        size = write(dataset, path, instead_of=before)
        return [done(record, bytes=size, changed=changed)]

    with without_remarks():
        yield from job.each(act, finder.records(job.args.texts("<path>")))
    finder.tell()
