"""From a command's words to a run of the engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from xnat_core.bounds import is_left
from xnat_core.errors import UsageError
from xnat_core.job import Job
from xnat_core.records import Record
from xnat_download.engine import Engine, Options
from xnat_download.selection import Selection, scan_ids
from xnat_download.template import Template


def download(job: Job, options: Options, records: Iterable[Record]) -> Iterator[Record]:
    """Download what the records name. All records are written as soon as they are known, from the
    threads that make them, so nothing is left to yield."""
    told: set[bool] = set()

    def report(record: Record) -> None:
        told.add(_is_empty(record))
        job.emit(record)

    engine = Engine(options, job.client, report, job.console.warning, job.progress, job.bounds)
    engine.run(job.within_bounds(records))
    selection = options.selection
    if told == {True} and (selection.narrows_resources or selection.pattern):
        # 'skipped' is also what is here already: a slip in a label would pass for that.
        more = job.args.has("--session-resources") and not selection.session_resources
        own = "; --session-resources adds the session's own" if more else ""
        job.console.warning(f"no files of that resource or pattern{own}")
    yield from ()


def _is_empty(record: Record) -> bool:
    # An object that failed, or that a bound has left, may have files.
    skipped = record.get("outcome") in ("skipped", "planned") and not is_left(record)
    return skipped and not record.get("files") and not record.get("skipped")


def options_of(job: Job, out: Path) -> Options:
    """The options that all verbs that download have in common."""
    return Options(
        out=out,
        selection=selection_of(job),
        verify=job.args.flag("--verify"),
        dry_run=job.args.flag("--dry-run"),
        each=job.args.flag("--each"),
    )


def selection_of(job: Job) -> Selection:
    """The filters of the command line, as far as the verb has them."""
    args = job.args
    included, excluded = labels(job, "--resource"), labels(job, "--exclude-resource")
    if included and excluded:
        raise UsageError("--resource and --exclude-resource exclude each other")
    return Selection(
        scans=scan_ids(args.text("--scans") if args.has("--scans") else None),
        resources=included,
        excluded=excluded,
        session_resources=args.has("--session-resources") and args.flag("--session-resources"),
        assessors=args.has("--assessors") and args.flag("--assessors"),
        pattern=(args.text("--pattern") or None) if args.has("--pattern") else None,
    )


def folder_of(job: Job) -> str | None:
    """What `--name` says, which is the name of one folder."""
    name = job.args.text("--name")
    if name is not None and (not name or "/" in name or name in (".", "..")):
        raise UsageError(f"--name {name}: must be the name of one folder")
    return name


def template_of(job: Job) -> Template | None:
    """The template of `--layout`."""
    text = job.args.text("--layout")
    return None if text is None else Template(text)


def labels(job: Job, option: str) -> frozenset[str]:
    """The labels of an option that may be repeated and may hold several, with commas."""
    if not job.args.has(option):
        return frozenset()
    given = job.args.texts(option)
    found = frozenset(one.strip() for text in given for one in text.split(",") if one.strip())
    if given and not found:
        raise UsageError(f"{option} names no resource")
    return found


def extracts(job: Job) -> tuple[bool, bool]:
    """Whether archives are unpacked, and whether they are kept all the same."""
    args = job.args
    no = args.flag("--no-extract") or args.flag("--zip")
    if args.flag("--extract") and no:
        raise UsageError("--extract and --no-extract (--zip) exclude each other")
    keep = args.flag("--keep-zips")
    if args.flag("--extract") or keep:
        return not no, keep
    return not no and job.profile.extract is not False, keep
