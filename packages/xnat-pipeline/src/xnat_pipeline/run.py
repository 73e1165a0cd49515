"""Run a pipeline or container on sessions or scans.

Usage:
  xnat-pipeline run [options] [--param=<pair>]... <pipeline> [<session>]...

<pipeline> is a name that 'list' prints. Without a session, or with '-', records of sessions and
scans are read from standard input; each is one launch.

Options:
  -P --project=<id>       Project of sessions that are named by label; else the profile's default.
  -E --experiment=<name>  A session, as an argument names it: accession ID or label.
  -e <name>               The same.
  --param=<pair>          KEY=VALUE for an input of the pipeline. Repeatable.
  --wait                  Wait until each job is complete; one that fails is a failed record.
  --timeout=<seconds>     How long to wait for each job. [default: 3600]
  --interval=<seconds>    Longest pause between two looks at a job. [default: 30]
  --dry-run               Check everything that can be checked, and launch nothing.
  -w --workers=<n>        How many launches, with --wait how many jobs, at once.

Prints the job of each launch when it has begun, with --wait when it is over; its number is told on
standard error at once. The server accepts whatever it is asked for and starts it later or never, so
a launch counts when its job appears. A launch is not repeated; stopping this command stops no job.

Examples:
  xnat-pipeline run dcm2niix -E XNAT_E00034 --param threshold=0.5
  xnat-ls sessions -P NEURO --modality MR | xnat-pipeline run dcm2niix --wait
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

from xnat_core.errors import UsageError, XNATCtlError
from xnat_core.job import Job
from xnat_core.models import Pipeline, PipelineJob
from xnat_core.records import Record, done, failed, planned
from xnat_core.services.by_id import session_meant
from xnat_pipeline.jobs import Jobs, title
from xnat_pipeline.launching import Launcher, Target
from xnat_pipeline.offers import choose, offers


def work(job: Job) -> Iterator[Record]:
    """A record per job, or per session that has none."""
    runs = Runs(job)
    words = (*job.args.texts("<session>"), *runs.named)
    if words and words != ("-",):
        project = job.project()
        records: Iterable[Record] = (
            {"kind": "session", "label": word, **({"project": project} if project else {})}
            for word in words
        )
    else:
        records = job.records("session", "scan")
    yield from job.each(runs.run, records)


class Runs:
    """The launches of one command."""

    def __init__(self, job: Job) -> None:
        args = job.args
        args.only_one("-e", "--experiment")
        self.named = tuple(name for o in ("-e", "--experiment") if (name := args.text(o)))
        self.job = job
        self.name = args.required("<pipeline>")
        self.params = dict(_pair(text) for text in args.texts("--param"))
        self.wait = args.flag("--wait")
        self.timeout = args.number("--timeout", least=0) or 0.0
        self.interval = args.number("--interval", least=0.05) or 0.05
        self.dry_run = args.flag("--dry-run")
        self._lock = threading.Lock()
        self._offers: dict[str, list[Pipeline]] = {}
        self._made: Launcher | None = None

    def run(self, record: Record) -> Iterable[Record]:
        """Launch on the object of a record, and follow the job when that was asked for."""
        client = self.job.client(record)
        target = self._target(record)
        pipeline = self._pipeline(target.project)
        if self.dry_run:
            self._launcher.check(pipeline, target, self.params)
            return [planned(record, pipeline=pipeline.name)]
        started = self._launcher.launch(pipeline, target, self.params)
        if not self.wait:
            return [done(started.to_record(client.base_url))]
        self.job.console.info(f"job {started.id}: {title(started)}")
        return [self._followed(started)]

    def _followed(self, started: PipelineJob) -> Record:
        client = self.job.client()
        known = started.to_record(client.base_url)

        def tell(now: PipelineJob) -> None:
            known.update(now.to_record(client.base_url))
            known["session"] = started.session or known.get("session")

        try:
            Jobs(client).wait(started.id, self.timeout, self.interval, tell)
        except XNATCtlError as error:
            return failed(known, error)
        return done(known)

    @property
    def _launcher(self) -> Launcher:
        """One for all threads: it knows which job is whose. `cached_property` has no lock any more
        since Python 3.12."""
        with self._lock:
            if self._made is None:
                self._made = Launcher(self.job.client())
            return self._made

    def _pipeline(self, project: str) -> Pipeline:
        """Looked up once for each project, and never taken for granted."""
        with self._lock:
            if project not in self._offers:
                self._offers[project] = offers(self.job.client(), project)
        return choose(self._offers[project], self.name)

    def _target(self, record: Record) -> Target:
        client = self.job.client(record)
        if record["kind"] == "scan":
            id, scan = record.get("session_id"), record.get("id")
            if not (id and scan and record.get("project")):
                raise XNATCtlError("the record lacks project, session_id or id of a scan")
            return Target(str(record["project"]), str(id), record.get("session"), str(scan))
        if record.get("id") and record.get("project"):
            return Target(str(record["project"]), str(record["id"]), record.get("label"))
        names = record.get("id"), record.get("label")
        session = session_meant(client, *names, record.get("project"))
        return Target(session.project or "", session.id, session.label)


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise UsageError(f"--param {text}: must be KEY=VALUE")
    return key, value
