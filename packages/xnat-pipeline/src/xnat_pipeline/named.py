"""The jobs that a command is about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from xnat_core.job import Job
from xnat_core.models import PipelineJob
from xnat_core.records import Record
from xnat_pipeline.jobs import Jobs


def on_each(
    job: Job, act: Callable[[Record, PipelineJob], Iterable[Record]], *, workers: int = 0
) -> Iterator[Record]:
    """Call `act` with every job that the words or standard input name, as it is now."""

    def one(record: Record) -> Iterable[Record]:
        client = job.client(record)
        return act(record, Jobs(client).get(str(record.get("id") or "")))

    words = job.args.texts("<job>")
    if words and words != ("-",):
        records: Iterable[Record] = ({"kind": "job", "id": word} for word in words)
    else:
        records = job.records("job")
    return job.each(one, records, workers)


def seen(job: Job, record: Record, now: PipelineJob) -> Record:
    """The input record with what the server says of the job now."""
    return {**record, **now.to_record(job.client().base_url)}
