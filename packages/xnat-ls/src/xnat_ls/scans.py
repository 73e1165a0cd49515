"""List scans.

Usage:
  xnat-ls scans [options] [<scan>]...

Scans of the session that -E names, or of all sessions of a project (-P) or of a subject (-S in it).
When none of these is given, session records are read from standard input (or records of projects,
subjects and scans). <scan> are scan IDs: only these are listed, and each must exist.

Options:
  -E --experiment=<name>  Session: accession ID, or with a project its label.
  -P --project=<id>       Project; for a session or subject, else the default one of the profile.
  -S --subject=<name>     Subject (label or accession ID) in the project.
  -l --long               Tell also the series UID and the resources of each scan, and how many
                          files are in them.
  -w --workers=<n>        How many sessions at once.

Examples:
  xnat-ls scans -P NEURO -E NEURO_01_MR1
  xnat-ls sessions -P NEURO | xnat-ls scans --where quality=unusable
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from xnat_core.errors import ResourceNotFoundError, UsageError
from xnat_ls.objects import arrived, in_order, named, scan_of, session_of, sessions_under

if TYPE_CHECKING:
    from xnat_core.client import XNATClient
    from xnat_core.job import Job
    from xnat_core.models import Resource, Scan
    from xnat_core.records import Record

COUNTS = ("file_count", "file_size")
RESOURCE_FACTS = ("label", "format", *COUNTS)


def work(job: Job) -> Iterator[Record]:
    """A record per scan."""
    from xnat_core.records import failed
    from xnat_core.services.homes import Home
    from xnat_core.services.resources import resources_of
    from xnat_core.services.scans import COLUMNS, scans_of

    words = job.args.texts("<scan>")
    experiment = job.args.text("--experiment")
    long = job.args.flag("--long")
    wanted = () if words == ("-",) else words

    def look(record: Record) -> Iterable[Record]:
        client = job.client(record)
        if record["kind"] == "scan":
            scan = scan_of(client, record)
            resources = resources_of(client, Home.of_scan(scan)) if long else []
            yield _record(client, scan, resources, long)
            return
        session = session_of(client, record)
        scans = scans_of(client, session, f"{COLUMNS},UID" if long else COLUMNS)
        resources = resources_of(client, Home.of_session(session), everything=True) if long else []
        for scan in scans:
            if not wanted or scan.id in wanted:
                own = [one for one in resources if one.scan_id == scan.id]
                yield _record(client, scan, own, long)
        present = {scan.id for scan in scans}
        for missing in (word for word in wanted if word not in present):
            error = ResourceNotFoundError("scan", f"{session.label or session.id}/{missing}")
            yield failed({"kind": "scan", "id": missing, "session": session.label}, error)

    job.layout = "facts" if long and experiment and len(wanted) == 1 else job.layout
    yield from in_order(job, look, _sessions(job, words, experiment))


def _sessions(job: Job, words: tuple[str, ...], experiment: str | None) -> Iterator[Record]:
    project, subject = job.args.text("--project"), job.args.text("--subject")
    if experiment:
        return named("session", [experiment], project=job.project(), subject=subject)
    if subject:
        one = next(named("subject", [subject], project=job.required_project()))
        return _unless_meant(sessions_under(job, [one]), words)
    if project:
        return _unless_meant(sessions_under(job, [{"kind": "project", "id": project}]), words)
    if words and words != ("-",):
        raise UsageError("the scans of which session? -E SESSION")
    return sessions_under(job, arrived(job.records("session", "scan", "subject", "project")))


def _unless_meant(sessions: Iterator[Record], words: tuple[str, ...]) -> Iterator[Record]:
    """These sessions. Raises UsageError when one of the scans that are asked for is one of them."""
    if not words:
        return sessions
    all_of_them = list(sessions)
    names = {record.get(key) for record in all_of_them for key in ("label", "id")}
    for word in names.intersection(words):
        raise UsageError(f"{word} is a session: -E {word}")
    return iter(all_of_them)


def _record(client: XNATClient, scan: Scan, resources: list[Resource], long: bool) -> Record:
    from xnat_core.models.values import total

    record = scan.to_record(client.base_url)
    if not long:
        return record
    # Not 0 where the server has not counted: whoever looks for empty scans may delete them.
    counts = {key: total(getattr(one, key) for one in resources) for key in COUNTS}
    rows = [one.to_row(RESOURCE_FACTS) for one in resources]
    return {**record, **_known(counts), "resources": [_known(row) for row in rows]}


def _known(facts: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if value is not None}
