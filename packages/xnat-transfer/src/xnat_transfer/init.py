"""Write a configuration to start from, with every setting at its default.

Usage:
  xnat-transfer init [options]

Options:
  -P --project=<id>         Project of the source.
  --dest-project=<id>       Project of the destination.
  -f --output-file=<file>   Write it there instead of to standard output; an existing file stays.

Example:
  xnat-transfer init -P NEURO --dest-project NEURO_COPY -f neuro.yaml
"""

from __future__ import annotations

from collections.abc import Iterator

from xnat_core.errors import OperationError
from xnat_core.job import Job
from xnat_core.records import Record, done

TEMPLATE = """\
source_project: {source}
dest_project: {dest}

# true: metadata of what is complete already stay as they are on the destination.
sync_new_only: true
# Subjects that fail one after the other before the run stops.
max_failures: 5
# Attempts for each scan or resource; the pause in seconds doubles with each.
scan_retry_count: 3
scan_retry_delay: 5.0
# List both servers anew when all was sent, and compare.
verify_after_transfer: true
# Write what the source knows about subjects, sessions, scans and assessors.
transfer_xml_metadata: true
# Scans of one session at once.
scan_workers: 4
# Sessions that the destination may be archiving at once, and how long (seconds) to wait for one.
max_pending_archives: 5
archive_wait_timeout: 10800
archive_poll_interval: 5.0

# sync_type is all, none, include or exclude; the last two look at items.
filtering:
  project_resources: {{sync_type: all, items: []}}
  subject_resources: {{sync_type: all, items: []}}
  # Experiments of subjects that are no imaging sessions, by type.
  subject_assessors: {{sync_type: all, items: []}}
  imaging_sessions:
    sync_type: all
    # With include only these types, with exclude all others; rules apply to sessions of the type.
    xsi_types: []
    # - xsi_type: xnat:mrSessionData
    #   scan_types: {{sync_type: exclude, items: [localizer]}}
    #   scan_resources: {{sync_type: include, items: [DICOM]}}
    #   resources: {{sync_type: all}}
    #   session_assessors: {{sync_type: none}}
"""


def work(job: Job) -> Iterator[Record]:
    """Write the file, or the text itself."""
    text = TEMPLATE.format(
        source=_quoted(job.args.text("--project")), dest=_quoted(job.args.text("--dest-project"))
    )
    file = job.args.path("--output-file")
    if file is None:
        job.write_bytes(text.encode())
        return
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except OSError as error:
        raise OperationError("write", f"{file}: {error.strerror}") from None
    yield done({"kind": "file", "path": str(file)})


def _quoted(project: str | None) -> str:
    import json

    # What JSON writes is YAML, and an ID of digits stays a text.
    return json.dumps(project) if project else "null"
