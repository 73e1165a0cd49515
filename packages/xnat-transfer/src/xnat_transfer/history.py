"""All transfers that this user made on this machine, the latest first.

Usage:
  xnat-transfer history [options]

Options:
  -P --project=<id>  Only transfers of this project of the source.

What is read is the state on this machine; no server is asked. --profile and --url choose the source
whose transfers are shown.

Example:
  xnat-transfer history -P NEURO --limit 5
"""

from __future__ import annotations

from collections.abc import Iterator

from xnat_core.job import Job
from xnat_core.records import Record
from xnat_transfer.status import runs


def work(job: Job) -> Iterator[Record]:
    """A record per run."""
    for run in runs(job):
        yield {
            "kind": "transfer",
            "server": run["dest_url"],
            "id": run["id"],
            "status": run["status"],
            "started": run["started"],
            "ended": run["ended"],
            "source": run["source_url"],
            "source_project": run["source_project"],
            "dest": run["dest_url"],
            "dest_project": run["dest_project"],
            "synced": run["subjects_synced"],
            "failed": run["subjects_failed"],
        }
