"""Audit a folder by its manifests, offline.

Usage:
  xnat-download check [options] <dir>

Every manifest.ndjson in and below <dir> is held against the files beside it: files that are
missing, that have changed (size or MD5), and that the manifest does not know. Each is a failed
record; each manifest is one record with the counts. No server is asked.

Options:
  -w --workers=<n>   How many files at once [default: 4].

Exit status: 8 when something differs, and when there is no manifest at all.

Example:
  xnat-download check ./data --output table
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from xnat_core.errors import ConfigurationError, IntegrityError, UsageError
from xnat_core.job import Job
from xnat_core.records import Record
from xnat_core.user_paths import existing_folder, expanded
from xnat_core.validation import validate_workers


def work(job: Job) -> Iterator[Record]:
    """A record per manifest, and one per file that is not as it should be."""
    return audit(job, expanded(job.args.required("<dir>")))


def audit(job: Job, folder: Path) -> Iterator[Record]:
    """Audit every manifest in and below a folder."""
    from xnat_download.audit import audit_manifest, manifests_below

    try:
        workers = validate_workers(job.args.text("--workers"))
    except ConfigurationError as error:
        raise UsageError(error.message) from None
    found = False
    for manifest in manifests_below(existing_folder(folder)):
        found = True
        yield from audit_manifest(manifest, workers)
    if not found:
        raise IntegrityError(f"{folder}: no manifest.ndjson in or below it: nothing to check by")
