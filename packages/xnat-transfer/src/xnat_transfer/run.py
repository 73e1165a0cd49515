"""Bring a project, or sessions, to another XNAT, and do it again until both are the same.

Usage:
  xnat-transfer run [options] [-]

With -P (or source_project in the configuration) a whole project is transferred: its resources,
subjects, sessions with scans, resources and assessors. Otherwise session records are read from
standard input, and just these sessions are transferred. Labels stay; accession IDs are new.

Both servers are listed and compared; what is missing or different on the destination is sent,
straight from server to server. So the same command completes a run that was killed, and brings
what has come to the source since. What was deleted on the destination is sent again. Nothing is
deleted there. Reconstructions and custom variables stay where they are.

Options:
  -P --project=<id>       Project of the source.
  --dest-project=<id>     Project of the destination; it must exist.
  --dest-profile=<name>   Profile of the destination.
  --dest-url=<url>        URL of the destination.
  --dest-user=<name>      Log in there as this user.
  --dest-pass=<text>      For old scripts only: everybody on this machine can read it.
  --dest-pass-stdin       Read the password for the destination from standard input, one line; with
                          --password-stdin it is the second one.
  --config=<file>         What to transfer and how: see 'xnat-transfer init'.
  -w --workers=<n>        Sessions at once.
  --dry-run               Say what would be sent, and send nothing.
  -y --yes                No effect: nothing is asked.

Prints a record for each session, subject and project: of the destination when something was 'done'
or 'skipped', of the source when it is 'planned' or 'failed'. With -P the last one is a summary of
kind 'transfer'.

Exit status: 0 when everything that was asked for is there, verified by new listings, or was left
for another run by a bound; the summary counts in 'left' what was.

Examples:
  xnat-transfer run -p prod -P NEURO --dest-profile dev --dest-project NEURO_COPY
  xnat-ls sessions -P NEURO --where 'date>=2025-01-01' |
    xnat-transfer run --dest-profile dev --dest-project NEURO_COPY --dry-run
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import replace

from xnat_core.client import XNATClient
from xnat_core.errors import ResourceNotFoundError, UsageError, XNATCtlError
from xnat_core.imports import admitted
from xnat_core.job import Job
from xnat_core.records import Record
from xnat_core.services.anonymization import anonymizes
from xnat_core.services.base import document, fields
from xnat_core.urls import path
from xnat_core.validation import validate_lookup
from xnat_transfer.config import TransferConfig, load
from xnat_transfer.destination import destination_client, destination_target
from xnat_transfer.engine import Engine
from xnat_transfer.route import Route
from xnat_transfer.state import Ends, State
from xnat_transfer.summary import Summary
from xnat_transfer.works import Work, of_project, works_of


def config_of(job: Job) -> TransferConfig:
    """The settings of the file, those of the command line applied. Raises UsageError."""
    file = job.args.path("--config") if job.args.has("--config") else None
    config = load(file) if file else TransferConfig()
    config = replace(
        config,
        source_project=job.args.text("--project") or config.source_project,
        dest_project=job.args.text("--dest-project") or config.dest_project,
    )
    if not config.dest_project:
        raise UsageError("a destination is needed: --dest-project, or dest_project in --config")
    validate_lookup(config.dest_project, "project")
    return config


def work(job: Job) -> Iterator[Record]:
    """Transfer what the command line names, or what standard input asks for."""
    config = config_of(job)
    target = destination_target(job)
    from_input = job.args.flag("-") or not config.source_project
    records = job.records("session") if from_input else iter(())
    first = next(records, None)
    if from_input and first is None:
        return
    threads = job.workers * (1 + config.scan_workers)
    source = job.client(first, threads=threads)
    project = str((first or {}).get("project") or "") if from_input else config.source_project
    ends = Ends(source.base_url, project or "", target.url, str(config.dest_project))
    with contextlib.ExitStack() as stack:
        dest = stack.enter_context(contextlib.closing(destination_client(job, target, threads)))
        state = stack.enter_context(contextlib.closing(State()))
        yield from _transfer(
            job,
            config,
            (source, dest),
            (state, ends),
            itertools.chain([first], records) if first is not None else None,
        )


def _admitted(dest: XNATClient, project: str) -> str:
    try:
        return admitted(dest, project)
    except ResourceNotFoundError as error:
        error.message += f" on the destination {dest.base_url}: 'xnat-edit create project' makes it"
        raise


def _require_another(route: Route, project: str) -> None:
    """Raise UsageError when a project, which may be named by an alias, is the destination."""
    if route.one_server:
        item = document(route.source, path("data", "projects", project), ("project", project))
        if item is not None and fields(item).get("ID") == route.project:
            raise UsageError("source and destination are the same project")


def _transfer(
    job: Job,
    config: TransferConfig,
    clients: tuple[XNATClient, XNATClient],
    noted: tuple[State, Ends],
    records: Iterator[Record] | None,
) -> Iterator[Record]:
    source, dest = clients
    state, ends = noted
    dry_run = job.args.flag("--dry-run")
    run = state.rehearse(ends) if dry_run else state.begin(ends)
    summary = Summary(ends, run, config.max_failures)
    status = "interrupted"
    try:
        project = _admitted(dest, ends.dest_project)
        route = Route(
            source=source,
            dest=dest,
            project=project,
            config=config,
            progress=job.progress,
            run=run,
            anonymizes=anonymizes(dest, project),
            bounds=job.bounds,
        )
        if records is None:
            _require_another(route, ends.source_project)
        engine = Engine(route, summary, job.console.warning, dry_run=dry_run)
        works: Iterator[Work]
        works = works_of(records) if records else of_project(route, ends.source_project)
        yield from engine.records(job.within_bounds(works, engine.leave), job.workers)
        if not summary.left:
            status = "completed"
        if summary.errors:
            status = "failed"
    except XNATCtlError as error:
        status = "failed"
        summary.note(error)
        raise
    finally:
        summary.finish()
        run.end(status)
    if records is None:
        yield summary.record(dry_run=dry_run)
