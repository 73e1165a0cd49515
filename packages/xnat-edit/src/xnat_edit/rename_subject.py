"""Give subjects other labels: one, by a list, or by a pattern.

Usage:
  xnat-edit rename subject [options] [<old> <new>]

Options:
  -P --project=<id>        Project; else the one that the file of patterns names, or the default
                           project of the profile.
  --mapping=<file>         JSON object of old and new labels.
  --pattern=<regex>        Rename the subjects whose whole label matches this …
  --to=<template>          … to this: {1}, {2} are the groups of the pattern, {project} the project.
  --patterns-file=<file>   JSON: {"patterns": [{"project", "match", "to"}, …]}; of the patterns for
                           the project the first that matches counts.
  --merge                  When several subjects would get one label, merge them into one.
  -y --yes                 Do not ask before subjects are merged.
  --dry-run                Say what would be renamed and merged, and change nothing.
  -w --workers=<n>         How many at once.

With '-' as argument, or without any project, subject records are read from standard input and only
these are renamed; all of them are read before the first change.

The project is listed once, and what collides is told before the first change. A subject whose new
label another one has is merged into that: its sessions move one by one, each is looked at, and the
subject is deleted when nothing is left of it; this is asked about. A label that already looks like
the template is left alone, so that an interrupted command can be repeated.

Examples:
  xnat-edit rename subject -P NEURO sub-4 NEURO_04
  xnat-edit rename subject -P NEURO --pattern 'sub-(\\d+)' --to '{project}_{1}' --dry-run
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from xnat_core.job import Job
from xnat_core.records import Record

if TYPE_CHECKING:
    from xnat_core.client import XNATClient
    from xnat_edit.renaming import Item


def work(job: Job) -> Iterator[Record]:
    """A record per subject, with its new label."""
    from xnat_core.services.lookup import find_subject, subjects_in
    from xnat_edit.renaming import Kind, renamed
    from xnat_edit.rules import rules_of

    merge = partial(_merge, job.console.info)
    kind = Kind("subject", subjects_in, find_subject, _require_own, _rename, merge)
    yield from renamed(job, kind, rules_of(job))


def _require_own(client: XNATClient, item: Item) -> None:
    from xnat_edit.objects import subject_of

    if getattr(item, "primary_project", None):
        subject_of(client, {"id": item.id, "project": item.project})


def _rename(client: XNATClient, item: Item, label: str) -> None:
    from xnat_core.services.relabel import relabel
    from xnat_core.urls import path

    where = path("data", "projects", str(item.project), "subjects", item.id)
    relabel(client, where, ("subject", item.label), label)


def _merge(
    tell: Callable[[str], None],
    client: XNATClient,
    item: Item,
    label: str,
    into: str,
    dry_run: bool,
) -> Record:
    from xnat_core.errors import OperationError
    from xnat_core.services.lookup import find_subject
    from xnat_edit.merging import merge_whole

    source = find_subject(client, item.id, item.project)
    target = find_subject(client, label, item.project)
    if target.id != into:
        # What was to give the label away first still has it.
        said = f"subject {item.label!r}: {label!r} is {target.id}, and was to be {into}"
        raise OperationError("merge", f"{said}; nothing was moved")
    return merge_whole(client, source, target, tell, dry_run=dry_run)
