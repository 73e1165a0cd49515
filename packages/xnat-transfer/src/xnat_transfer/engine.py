"""A run from its first work to its last: in parallel over experiments, noted as it happens."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from xnat_core.bounds import Begin, BoundReached
from xnat_core.errors import AuthenticationError, PermissionDeniedError, XNATCtlError, explain
from xnat_core.models import Session, Subject
from xnat_core.parallel import Outcome, bounded_map
from xnat_core.records import Record, done, failed, planned, skipped
from xnat_core.services.homes import Home
from xnat_core.transfer_errors import TransferCircuitBreakerError, TransferConflictError
from xnat_transfer.experiment import EXPERIMENT, Experiment
from xnat_transfer.owners import Resources, SubjectCase
from xnat_transfer.rounds import Item, Result, converge
from xnat_transfer.route import SUBJECT, Route
from xnat_transfer.state import Entity
from xnat_transfer.summary import Summary
from xnat_transfer.works import ExperimentWork, ProjectWork, RecordWork, Resolver, SubjectWork, Work

Done = tuple[Record, bool]
"""The record of a work, and whether anything was changed."""


class Engine:
    """Does works; `warn` is told what a person should know."""

    def __init__(
        self, route: Route, summary: Summary, warn: Callable[[str], None], *, dry_run: bool
    ) -> None:
        self.route = route
        self.summary = summary
        self.warn = warn
        self.dry_run = dry_run
        self._resolver = Resolver(route)

    def records(self, works: Iterable[Work], workers: int) -> Iterator[Record]:
        """A record for each work. Raises what makes all further works pointless."""
        outcomes = bounded_map(self._do, works, workers=workers)
        with contextlib.closing(outcomes):
            for outcome in outcomes:
                yield self._record(outcome)
                self._count(outcome)

    def leave(self, work: Work) -> Record:
        """Another run will do this work; returns its record."""
        subject = "" if isinstance(work, (ProjectWork, RecordWork)) else work.case.subject.id
        self.summary.leave(subject)
        return work.record

    # --- works --------------------------------------------------------------------------------

    def _do(self, work: Work) -> Done:
        # It may have waited for others since it was admitted.
        self.route.bounds.check_time()
        begin = self.route.bounds.beginner()
        try:
            if isinstance(work, ProjectWork):
                return self._do_project(work, begin)
            if isinstance(work, SubjectWork):
                return self._do_subject(work, begin)
            found = self._resolver.resolve(work.record) if isinstance(work, RecordWork) else work
            if found is None:
                return skipped(work.record), False
            return self._do_experiment(found, begin)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise explain(error) from error

    def _do_project(self, work: ProjectWork, begin: Begin) -> Done:
        rule = self.route.config.filtering.project_resources
        here, there = Home.of_project(work.project), Home.of_project(self.route.project)
        resources = Resources(self.route, work.project, here, there, rule)
        return self._of_owner(work.record, resources, "project", work.project, Subject(), begin)

    def _do_subject(self, work: SubjectWork, begin: Begin) -> Done:
        case = work.case
        rule = self.route.config.filtering.subject_resources
        owner = self._owner(case, begin)
        if case.changed:
            begin()
        here = Home.of_subject(case.subject)
        there = Home.of_subject(owner) if owner.id else None
        name = f"{case.subject.project}/{case.subject.label}"
        own = partial(case.require_own, owner)
        resources = Resources(self.route, name, here, there, rule, own)
        return self._of_owner(
            work.record, resources, SUBJECT, case.subject.id, owner, begin, changed=case.changed
        )

    def _of_owner(
        self,
        record: Record,
        resources: Resources,
        kind: str,
        id: str,
        owner: Subject,
        begin: Begin,
        *,
        changed: bool = False,
    ) -> Done:
        if self.dry_run:
            return self._planned(record, resources, begin, new=changed)
        began = time.monotonic()
        result = converge(resources, verify=self.route.config.verify_after_transfer, begin=begin)
        result.changed |= changed
        there = self._owner_there(kind, owner)
        if kind != SUBJECT:
            self._note("project", id, id, result)
        return self._finished({**there, "source_id": id}, result, began), result.changed

    def _owner_there(self, kind: str, owner: Subject) -> Record:
        server, project = self.route.dest.base_url, self.route.project
        if kind == SUBJECT:
            return owner.to_record(server)
        uri = f"/data/projects/{project}"
        return {"kind": "project", "server": server, "uri": uri, "id": project}

    def _do_experiment(self, work: ExperimentWork, begin: Begin) -> Done:
        owner = self._owner(work.case, begin)
        session = work.session
        with self.route.claimed(EXPERIMENT, session.id, session.label):
            return self._brought(work, Experiment(self.route, session, owner, work.rules), begin)

    def _brought(self, work: ExperimentWork, item: Experiment, begin: Begin) -> Done:
        if self.dry_run:
            return self._planned(work.record, item, begin)
        began = time.monotonic()
        tidied = item.tidy()
        result = converge(item, verify=self.route.config.verify_after_transfer, begin=begin)
        result.changed |= tidied
        result.notes += [*item.notes, *item.left()]
        session = work.session
        there = item.there or Session()
        self._note(EXPERIMENT, session.id, session.label, result, there, session.xsi_type)
        known = {**there.to_record(self.route.dest.base_url), "subject": item.owner.label}
        known |= {"source_id": session.id, "source_project": session.project}
        known |= {key: value for key, value in work.record.items() if key not in known}
        return self._finished(known, result, began), result.changed

    def _owner(self, case: SubjectCase, begin: Begin) -> Subject:
        """The subject on the destination; in a dry run one that may not exist."""
        with self.route.claimed(SUBJECT, case.subject.id, case.subject.label):
            found = case.find_once() if self.dry_run else case.ensure(begin)
            if self.dry_run:
                case.changed = case.is_due(found)
        return found or Subject(label=case.label, project=self.route.project)

    # --- what came of it ----------------------------------------------------------------------

    def _planned(self, record: Record, item: Item, begin: Begin, *, new: bool = False) -> Done:
        _, difference = item.look()
        amount = difference.amount
        if difference.is_empty and not item.is_due and not new:
            return skipped(record), False
        begin()
        return planned(record, files=amount.files, bytes=amount.bytes), True

    def _finished(self, record: Record, result: Result, began: float) -> Record:
        for note in result.notes:
            self.warn(f"{record.get('label') or record.get('id')}: {note}")
        facts = {"verified": result.verified or None, "notes": result.notes or None}
        if not result.changed:
            return skipped(record, **facts)
        sent = {"files": result.sent.files, "bytes": result.sent.bytes}
        return done(record, **sent, seconds=round(time.monotonic() - began, 3), **facts)

    def _note(
        self,
        kind: str,
        id: str,
        label: str,
        result: Result,
        there: Session | None = None,
        xsi_type: str | None = None,
    ) -> None:
        self.route.run.note(
            Entity(
                *(kind, id, label, "verified" if result.verified else "synced"),
                remote_id=there.id if there else self.route.project,
                remote_label=there.label if there else self.route.project,
                xsi_type=xsi_type or "",
                parent=(there.subject_id or "") if there else "",
                message="; ".join(result.notes),
                file_count=result.wanted.files,
                file_size=result.wanted.bytes,
            )
        )

    def _record(self, outcome: Outcome[Work, Done]) -> Record:
        if outcome.error is None:
            return outcome.result()[0]
        if isinstance(outcome.error, BoundReached):
            return outcome.error.left(self.leave(outcome.item))
        self._note_failure(outcome.item, outcome.error)
        return failed(outcome.item.record, outcome.error)

    def _note_failure(self, work: Work, error: XNATCtlError) -> None:
        status = "conflict" if isinstance(error, TransferConflictError) else "failed"
        kind, id, label = "project", str(work.record.get("id")), str(work.record.get("id"))
        if isinstance(work, SubjectWork):
            kind, id, label = SUBJECT, work.case.subject.id, work.case.subject.label
        elif not isinstance(work, ProjectWork):
            kind, label = EXPERIMENT, str(work.record.get("label") or id)
        self.route.run.note(Entity(kind, id, label, status, message=error.message))

    def _count(self, outcome: Outcome[Work, Done]) -> None:
        work, error = outcome.item, outcome.error
        if isinstance(error, BoundReached):
            return
        if error is not None and _is_fatal(error):
            self.summary.note(error)
            raise error
        changed = outcome.value is not None and outcome.value[1]
        if isinstance(work, ProjectWork):
            if error is not None:
                self.summary.note(error)
            return
        if isinstance(work, RecordWork):
            subject = str(work.record.get("subject_id") or work.record.get("subject") or "")
            self.summary.take_record(subject, changed=changed, error=error)
            return
        if isinstance(work, SubjectWork):
            self.summary.expect(work.case.subject.id, work.experiments + 1)
        experiment = isinstance(work, ExperimentWork)
        subject = work.case.subject.id
        self.summary.take(subject, changed=changed, error=error, experiment=experiment)


def _is_fatal(error: XNATCtlError) -> bool:
    """Whether no other work can succeed either."""
    if isinstance(error, PermissionDeniedError):
        return False
    return isinstance(error, (AuthenticationError, TransferCircuitBreakerError))
