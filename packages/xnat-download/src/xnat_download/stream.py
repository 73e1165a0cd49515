"""`xnat-download` without a verb."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from xnat_core.errors import UsageError
from xnat_core.job import Job
from xnat_core.records import Record
from xnat_download.engine import Options
from xnat_download.objects import KINDS
from xnat_download.running import download, options_of, template_of


def work(job: Job) -> Iterator[Record]:
    """Download the records that come, or audit a folder."""
    job.args.only_one("--out", "--check")
    if (folder := job.args.path("--check")) is not None:
        from xnat_download.check import audit

        return audit(job, folder)
    out = job.args.path("--out")
    if out is None:
        raise UsageError("--out DIR is needed")
    return download(job, stream_options(job, out), job.records(*KINDS))


def stream_options(job: Job, out: Path) -> Options:
    """The options of a stream of records."""
    archives = job.args.flag("--zip")
    template = template_of(job)
    if archives and (template or job.args.text("--pattern")):
        raise UsageError("--zip keeps archives as the server makes them: no --layout, no --pattern")
    return replace(
        options_of(job, out),
        template=template,
        archives=archives,
        workers=job.workers,
    )
