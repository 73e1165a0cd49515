"""Give sessions other labels: one, by a list, or by a pattern.

Usage:
  xnat-edit rename session [options] [<old> <new>]

Options:
  -P --project=<id>        Project; else the one that the file of patterns names, or the default
                           project of the profile.
  --mapping=<file>         JSON object of old and new labels.
  --pattern=<regex>        Rename the sessions whose whole label matches this …
  --to=<template>          … to this: {1}, {2} are the groups of the pattern, {project} the project.
  --patterns-file=<file>   JSON: {"patterns": [{"project", "match", "to"}, …]}; of the patterns for
                           the project the first that matches counts.
  --dry-run                Say what would be renamed, and change nothing.
  -w --workers=<n>         How many at once.

With '-' as argument, or without any project, session records are read from standard input and only
these are renamed; all of them are read before the first change.

The project is listed once, and labels that collide are told before the first change; these are not
renamed. A label that already looks like the template is left alone, so that an interrupted command
can be repeated.

Examples:
  xnat-edit rename session -P NEURO scan4 NEURO_04_MR1
  xnat-ls sessions -P NEURO --modality MR | xnat-edit rename session - --mapping labels.json
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from xnat_core.job import Job
from xnat_core.records import Record

if TYPE_CHECKING:
    from xnat_core.client import XNATClient
    from xnat_edit.renaming import Item


def work(job: Job) -> Iterator[Record]:
    """A record per session, with its new label."""
    from xnat_core.services.lookup import find_session
    from xnat_edit.renaming import Kind, renamed
    from xnat_edit.rules import rules_of

    kind = Kind("session", _listed, find_session, _require_own, _rename)
    yield from renamed(job, kind, rules_of(job))


def _listed(client: XNATClient, project: str) -> Iterable[Item]:
    from xnat_core.services.sessions import iter_sessions

    return iter_sessions(client, project)


def _require_own(client: XNATClient, item: Item) -> None:
    """The listing does not tell which sessions are only shared into the project."""
    from xnat_core.services.routes import require_own_route
    from xnat_core.services.sessions import session_path
    from xnat_edit.objects import session_of

    session = session_of(client, {"id": item.id, "project": item.project})
    require_own_route(client, session_path(session))


def _rename(client: XNATClient, item: Item, label: str) -> None:
    from xnat_core.models import Session
    from xnat_core.services.relabel import relabel
    from xnat_core.services.sessions import session_path
    from xnat_core.urls import path

    assert isinstance(item, Session)
    alone = path("data", "experiments", item.id)
    relabel(client, session_path(item), ("session", item.label), label, seen_at=alone)
