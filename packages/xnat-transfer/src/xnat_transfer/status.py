"""How the last transfer of each pair of projects ended, or how far it is.

Usage:
  xnat-transfer status [options]

Options:
  -P --project=<id>  Only transfers of this project of the source.

A run is 'running', 'completed', 'failed', or 'interrupted': its process has gone without a word.
What is read is the state on this machine; no server is asked. --profile and --url choose the source
whose transfers are shown.

Example:
  xnat-transfer status -P NEURO
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from xnat_core.job import Job
from xnat_core.records import Record
from xnat_core.urls import same_server
from xnat_transfer.state import State


def work(job: Job) -> Iterator[Record]:
    """A record for the last run between two projects."""
    seen = set()
    for run in runs(job):
        ends = (run["source_url"], run["source_project"], run["dest_url"], run["dest_project"])
        if ends not in seen:
            seen.add(ends)
            yield {
                "kind": "transfer",
                "server": run["dest_url"],
                "sync_id": run["id"],
                "status": run["status"],
                "started": run["started"],
                "ended": run["ended"],
                "subjects_synced": run["subjects_synced"],
                "subjects_failed": run["subjects_failed"],
                "subjects_skipped": run["subjects_skipped"],
                "experiments_synced": run["experiments_synced"],
                "source": run["source_url"],
                "source_project": run["source_project"],
                "destination": run["dest_url"],
                "dest_project": run["dest_project"],
            }


def runs(job: Job) -> Iterator[dict[str, Any]]:
    """The runs that the command line asks for, the latest first."""
    named = job.args.text("--profile") or job.args.text("--url")
    server = job.target.url if named else None
    with contextlib.closing(State()) as state:
        for run in state.runs(job.args.text("--project")):
            if server is None or same_server(server, run["source_url"]):
                yield run
