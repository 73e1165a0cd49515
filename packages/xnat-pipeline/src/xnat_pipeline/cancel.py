"""Stop jobs.

Usage:
  xnat-pipeline cancel [options] [<job>]...

Without a job, or with '-', records of jobs are read from standard input.

Options:
  -y --yes          Do not ask.
  --dry-run         Say what would be stopped, and stop nothing.
  -w --workers=<n>  How many jobs at once, with --yes.

A job that is over is skipped. A container is killed. The classic engine can only end all jobs of a
pipeline on a session, and does so. Without --yes the terminal is asked for every job.

Example:
  xnat-pipeline jobs -P NEURO --status queued | xnat-pipeline cancel --yes
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xnat_core.errors import OperationError
from xnat_core.job import Job
from xnat_core.models import PipelineJob
from xnat_core.records import Record, done, planned, skipped
from xnat_pipeline.jobs import is_complete, is_over, title
from xnat_pipeline.named import on_each, seen
from xnat_pipeline.stopping import stop


def work(job: Job) -> Iterator[Record]:
    """A record per job that is stopped."""

    def act(record: Record, now: PipelineJob) -> Iterable[Record]:
        client = job.client()
        known = seen(job, record, now)
        if is_over(now.status):
            return [skipped(known)]
        if job.args.flag("--dry-run"):
            return [planned(known)]
        job.confirm(f"Stop job {now.id} ({title(now)}, {now.status}) on {client.base_url}?")
        ended = stop(client, now)
        if is_complete(ended.status):
            raise OperationError("cancel", f"job {now.id} ({title(now)}) was complete before that")
        return [done(seen(job, record, ended))]

    yield from on_each(job, act, workers=0 if job.args.flag("--yes") else 1)
