"""The scans of sessions that wait in the prearchive.

Usage:
  xnat-prearchive scans [options] [<project> <timestamp> <name>]

Options:
  -w --workers=<n>   How many sessions at once.

Without the words, records of kind 'prearchive' are read from standard input. A session that only
receives files has not been read yet and shows nothing: 'xnat-prearchive wait' or 'rebuild' first.

Example:
  xnat-prearchive list -P NEURO | xnat-prearchive scans --output table
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from xnat_core.errors import ResourceNotFoundError
from xnat_core.job import Job
from xnat_core.models import PrearchiveEntry
from xnat_core.models.values import number
from xnat_core.prearchive import Prearchive
from xnat_core.prearchive_rows import StagingError, entry_path, named, scan_of_resource
from xnat_core.records import Record
from xnat_core.urls import path
from xnat_core.writers import natural
from xnat_prearchive.entries import on_each, words_of


def work(job: Job) -> Iterator[Record]:
    """A record per scan."""

    def act(record: Record, entry: PrearchiveEntry, prearchive: Prearchive) -> Iterable[Record]:
        now = prearchive.get(entry)
        try:
            rows = prearchive.scans(now)
        except ResourceNotFoundError:
            what = f"{entry.id} is {now.status}: its files have not been read yet"
            raise StagingError("scans", what, now) from None
        counts = _counts(now, prearchive)
        return [
            scan_record(row, now, prearchive, counts[row.get("ID", "")])
            for row in sorted(rows, key=lambda row: natural(row.get("ID")))
        ]

    yield from on_each(job, act, words_of(job))


def _counts(entry: PrearchiveEntry, prearchive: Prearchive) -> Counter[str]:
    """The number of files of each scan: structured reports, for one, are in no resource DICOM."""
    counts = Counter[str]()
    for row in prearchive.client.rows(entry_path(entry) + "/resources", about=named(entry)):
        scan, label = scan_of_resource(row), row.get("label", "")
        if scan:
            count = number(row.get("file_count"))
            if count is None:
                count = sum(1 for _ in prearchive.files(entry, scan, label))
            counts[scan] += count
    return counts


def scan_record(
    row: dict[str, str], entry: PrearchiveEntry, prearchive: Prearchive, files: int
) -> Record:
    """The record of a scan; its kind keeps tools for archived scans from touching it."""
    scan = row.get("ID", "")
    known: Record = {
        "kind": "prearchive_scan",
        "server": prearchive.client.base_url,
        "uri": entry_path(entry) + path("scans", scan),
        "id": scan,
        "project": entry.project,
        "timestamp": entry.timestamp,
        "name": entry.name,
        "xsi_type": row.get("xsiType"),
        "series_description": row.get("series_description"),
        "file_count": files,
    }
    return {key: value for key, value in known.items() if value not in (None, "")}
