"""Tell how jobs are doing.

Usage:
  xnat-pipeline status [options] [<job>]...

A job is the number that 'run' and 'jobs' print. Without one, or with '-', records of jobs are read
from standard input.

Options:
  --watch               Print a job whenever it has changed, until it is over.
  --interval=<seconds>  Longest pause between two looks. [default: 30]
  -w --workers=<n>      How many jobs at once.

A watched job that fails or is killed is a failed record. Watching ends after 24 hours.

Examples:
  xnat-pipeline status 1234
  xnat-pipeline jobs -P NEURO --status Running | xnat-pipeline status --watch
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xnat_core.errors import XNATCtlError
from xnat_core.job import Job
from xnat_core.models import PipelineJob
from xnat_core.records import Record, failed
from xnat_pipeline.jobs import Jobs, is_over
from xnat_pipeline.named import on_each, seen

DAY = 86_400.0


def work(job: Job) -> Iterator[Record]:
    """A record per job, or with --watch per change."""
    watch = job.args.flag("--watch")
    interval = job.args.number("--interval", least=0.05) or 0.05

    def tell(record: Record, now: PipelineJob) -> Iterable[Record]:
        return follow(record, now) if watch else [seen(job, record, now)]

    def follow(record: Record, now: PipelineJob) -> Iterable[Record]:
        jobs = Jobs(job.client())
        latest = now
        for latest in jobs.changes(now.id, DAY, interval):
            if not is_over(latest.status):
                job.emit(seen(job, record, latest))
        try:
            jobs.require_success(latest)
        except XNATCtlError as error:
            return [failed(seen(job, record, latest), error)]
        return [seen(job, record, latest)]

    yield from on_each(job, tell)
