"""Renaming many: one listing, a plan in which nothing collides, then change by change.

A repeated run changes nothing that an interrupted one has changed: what has its new label is
skipped, and what can no longer be told is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from xnat_core.errors import (
    InvalidIdentifierError,
    OperationError,
    ResourceNotFoundError,
    UsageError,
    XNATCtlError,
)
from xnat_core.job_input import is_fed
from xnat_core.models import Session, Subject
from xnat_core.records import Record, done, failed, planned, skipped
from xnat_core.services.lookup import project_id
from xnat_core.services.renames import Rename, plan_renames
from xnat_core.services.routes import LabelInTheWay
from xnat_edit.alike import alike, warn
from xnat_edit.rules import Rules

if TYPE_CHECKING:
    from xnat_core.client import XNATClient
    from xnat_core.job import Job

Item = Subject | Session
# These leave everything as it was asked for; whatever else is skipped was not done.
_FINE = ("same label", "renamed already", "already matches")


@dataclass(frozen=True)
class Kind:
    """What is different between subjects and sessions."""

    name: str
    listed: Callable[[XNATClient, str], Iterable[Item]]
    find: Callable[[XNATClient, str, str], Item]
    """One of a project, by its name; raises ResourceNotFoundError or InvalidIdentifierError."""
    check: Callable[[XNATClient, Item], None]
    """Raises for an item that may not be renamed here."""
    rename: Callable[[XNATClient, Item, str], None]
    merge: Callable[[XNATClient, Item, str, str, bool], Record] | None = None
    """Moves all of an item to the one of that label and ID, unless in a dry run; returns what is
    known."""


@dataclass(frozen=True)
class Step:
    """One change and the record of what it changes."""

    plan: Rename
    item: Item
    record: Record


def renamed(job: Job, kind: Kind, rules: Rules) -> Iterator[Record]:
    """Rename in one project what the rules name, or of it only what the records name.

    All records are read, and all is planned, before the first change: which labels collide depends
    on all of them.
    """
    plans = [_plan(job, kind, rules, *where) for where in _places(job, kind, rules)]
    for plan in plans:
        yield from plan.refused
    merges = [step for plan in plans for step in plan.steps if step.plan.action == "merged"]
    if merges and not job.args.flag("--dry-run"):
        pairs = ", ".join(f"{step.plan.old} into {step.plan.new}" for step in merges[:10])
        more = f" and {len(merges) - 10} more" if len(merges) > 10 else ""
        job.confirm(
            f"Some labels are there already. Merge {pairs}{more} on {job.client().base_url}? "
            "The sessions move, and the empty subjects are deleted."
        )
    for plan in plans:
        if kind.name == "subject":
            _warn(job, plan)
        yield from _carry_out(job, kind, plan)


@dataclass(frozen=True)
class _Plan:
    """What is to be done in one project, in order, and the records of what is not."""

    ids: Mapping[str, str]
    """By label."""
    steps: tuple[Step, ...]
    refused: tuple[Record, ...]


def _places(job: Job, kind: Kind, rules: Rules) -> Iterator[tuple[str, dict[str, Record] | None]]:
    """The project to work in; or projects with the records by label when records say what is meant.

    So they do where they are asked for, and where no project is named; -P is that of all of them.
    """
    given = job.args.text("--project")
    by_records = job.args.text("<old>") == "-"
    if not by_records and (project := given or rules.only_project() or job.project()):
        rules.require_for(project)
        yield project, None
        return
    if not by_records and not is_fed():
        # It is rather the project that was forgotten than the records.
        job.required_project()
    chosen: dict[str, dict[str, Record]] = {}

    @cache
    def id_of(name: str) -> str:
        return project_id(job.client(), name)

    for record in job.records(kind.name):
        where, label = record.get("project") or given, record.get("label")
        if where and given and where != given and id_of(str(where)) == id_of(given):
            where = given  # One of them is an alias.
        if where and label and where == (given or where):
            chosen.setdefault(str(where), {})[str(label)] = {**record, "project": where}
            continue
        reason = f"is of project {where}, not {given}" if where and label else ""
        reason = reason or f"has no {'label' if where else 'project'}"
        job.emit(failed(record, OperationError("rename", f"the record {reason}")))
    yield from chosen.items()


def _plan(
    job: Job, kind: Kind, rules: Rules, project: str, chosen: Mapping[str, Record] | None
) -> _Plan:
    client = job.client()
    items = {item.label: item for item in kind.listed(client, project)}
    labels = list(items if chosen is None else chosen)
    mapping, already = rules.apply(labels, project)
    if chosen is not None or len(mapping) == 1:
        # A list of labels may be that of a whole study, with most of them in other projects.
        items |= {item.label: item for item in _unlisted(client, kind, project, mapping, items)}
    mapping = _by_label(mapping, items, chosen or {})
    elsewhere: list[Record] = []
    if chosen is not None:
        mapping = {old: new for old, new in mapping.items() if old in chosen}
        by_id = {item.id: item for item in items.values()}
        for label in [old for old in mapping if _is_other(chosen[old], items.get(old))]:
            found = by_id.get(chosen[label]["id"])
            elsewhere.append(_relabelled(kind, chosen[label], found, mapping.pop(label)))
    plan = plan_renames(
        items,
        mapping,
        merge_into_existing=kind.merge is not None,
        merge_several=kind.merge is not None and job.args.flag("--merge"),
        kind=kind.name,
    )
    plan += [
        Rename(label, label, "skipped", "already matches" if label in items else "not found")
        for label in already
    ]

    def record(label: str) -> Record:
        known = (chosen or {}).get(label, {})
        if label not in items:
            return {**known, "kind": kind.name, "label": label, "project": project}
        return {**known, **items[label].to_record(client.base_url)}

    return _Plan(
        {label: item.id for label, item in items.items()},
        tuple(
            Step(step, items[step.old], record(step.old))
            for step in plan
            if step.action != "skipped"
        ),
        (
            *elsewhere,
            *(_left(kind, step, record(step.old)) for step in plan if step.action == "skipped"),
        ),
    )


def _unlisted(
    client: XNATClient,
    kind: Kind,
    project: str,
    mapping: Mapping[str, str],
    items: Mapping[str, Item],
) -> Iterator[Item]:
    """What is named and, just made, may not be listed yet. What has its new label needs no more."""
    names = {name for item in items.values() for name in (item.id, item.label)}
    for old, new in mapping.items():
        if names.isdisjoint((old, new)):
            with suppress(ResourceNotFoundError, InvalidIdentifierError):
                yield kind.find(client, old, project)


def _warn(job: Job, plan: _Plan) -> None:
    """Tell of subjects that will be called alike but for case."""
    gone = {step.plan.old for step in plan.steps}
    new = {step.plan.new: str(step.item.project) for step in plan.steps}
    found = alike([*(plan.ids.keys() - gone), *new])
    projects = {label.lower(): project for label, project in new.items()}
    for letters, project in projects.items():
        warn(job, project, found[letters])


def _carry_out(job: Job, kind: Kind, plan: _Plan) -> Iterator[Record]:
    client, dry = job.client(), job.args.flag("--dry-run")

    def act(step: Step) -> Iterable[Record]:
        other = plan.ids.get(step.item.id)
        if other and other != step.item.id:
            raise LabelInTheWay(kind.name, step.item.id, other, str(step.item.project))
        kind.check(client, step.item)
        new, outcome = step.plan.new, planned if dry else done
        if step.plan.action == "merged" and kind.merge is not None:
            # Of several that become one, the first has the label only after it was renamed.
            into = _holder(new, plan)
            ahead = dry and into != plan.ids.get(new)
            facts = {} if ahead else kind.merge(client, step.item, new, into, dry)
            return [outcome(step.record, merged_into=new, **facts)]
        if not dry:
            kind.rename(client, step.item, new)
        return [outcome({**step.record, "label": new}, old_label=step.plan.old)]

    apart = [step for step in plan.steps if _is_alone(step.plan, plan)]
    yield from job.each(act, apart)
    # A label must be given away before another takes it.
    yield from job.each(act, [step for step in plan.steps if step not in apart], 1)


def _is_alone(one: Rename, plan: _Plan) -> bool:
    """Whether nothing else has, takes or gives away the label that this one takes."""
    about = sum(one.new in (step.plan.old, step.plan.new) for step in plan.steps)
    return one.new not in plan.ids and about == 1


def _holder(label: str, plan: _Plan) -> str:
    """The accession ID of what has a label when others are to be merged into it."""
    renamed = (step for step in plan.steps if step.plan.action == "renamed")
    takers = [step.item.id for step in renamed if step.plan.new == label]
    return takers[0] if takers else plan.ids[label]


def _by_label(
    mapping: Mapping[str, str], items: Mapping[str, Item], chosen: Mapping[str, Record]
) -> dict[str, str]:
    """The same mapping, with the labels of what is named by accession ID: those of the records."""
    labels = {item.id: label for label, item in items.items()}
    labels |= {str(record["id"]): label for label, record in chosen.items() if record.get("id")}
    named = [(old if old in items else labels.get(old, old), new) for old, new in mapping.items()]
    if len(dict(named)) != len(named):
        raise UsageError("one of them is named by its label and by its accession ID")
    return dict(named)


def _is_other(record: Record, item: Item | None) -> bool:
    """Whether a record is of another object than the one that has its label now."""
    return bool(record.get("id")) and (item is None or record["id"] != item.id)


def _relabelled(kind: Kind, record: Record, found: Item | None, new: str) -> Record:
    """The record of an object that has no longer the label by which the rules know it."""
    if found is not None and found.label == new:
        return skipped({**record, "label": new}, reason="renamed already")
    name = f"{record['project']}/{record['label']}"
    if found is None:
        return failed(record, ResourceNotFoundError(kind.name, name), reason="not found")
    reason = f"it is called {found.label} by now"
    return failed(record, OperationError("rename", f"{kind.name} {name}: {reason}"), reason=reason)


def _left(kind: Kind, step: Rename, record: Record) -> Record:
    """The record of what is not done: for a good reason, or because it cannot be."""
    if step.reason in _FINE:
        return skipped(record, reason=step.reason)
    error: XNATCtlError
    if step.reason == "not found":
        error = ResourceNotFoundError(kind.name, f"{record['project']}/{step.old}")
    else:
        hint = "; --merge merges them" if step.reason.startswith("several subjects") else ""
        error = OperationError("rename", f"{kind.name} {step.old!r}: {step.reason}{hint}")
    return failed(record, error, reason=step.reason)
