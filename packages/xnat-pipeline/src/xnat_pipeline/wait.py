"""Wait until jobs are complete.

Usage:
  xnat-pipeline wait [options] [<job>]...

Without a job, or with '-', records of jobs are read from standard input.

Options:
  --timeout=<seconds>   How long to wait for each job. [default: 3600]
  --interval=<seconds>  Longest pause between two looks. [default: 30]
  -w --workers=<n>      How many jobs to watch at once.

Prints each job when it is complete. One that fails, is killed, or goes on after the timeout is a
failed record that says why; the job itself is not touched.

Example:
  xnat-ls sessions -P NEURO | xnat-pipeline run dcm2niix | xnat-pipeline wait
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xnat_core.errors import XNATCtlError
from xnat_core.job import Job
from xnat_core.models import PipelineJob
from xnat_core.records import Record, done, failed
from xnat_pipeline.jobs import JobFailed, Jobs, StillRunning
from xnat_pipeline.named import on_each, seen


def work(job: Job) -> Iterator[Record]:
    """A record per job, when it is over."""
    timeout = job.args.number("--timeout", least=0) or 0.0
    interval = job.args.number("--interval", least=0.05) or 0.05

    def wait(record: Record, now: PipelineJob) -> Iterable[Record]:
        try:
            now = Jobs(job.client()).wait(now.id, timeout, interval)
        except (JobFailed, StillRunning) as error:
            return [failed(seen(job, record, error.job), error)]
        except XNATCtlError as error:
            return [failed(seen(job, record, now), error)]
        return [done(seen(job, record, now))]

    yield from on_each(job, wait)
