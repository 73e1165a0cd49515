"""Give sessions to another subject of their project.

Usage:
  xnat-edit move [options] <subject>

Options:
  -P --project=<id>       Project of the session; else the default project of the profile.
  -E --experiment=<name>  Session: accession ID, or with a project its label.
  --dry-run               Say what would be moved, and move nothing.
  -w --workers=<n>        How many at once.

<subject> is the label or accession ID of a subject that exists. Without -E, session records are
read from standard input. To another project: 'xnat-edit share --primary'.

Examples:
  xnat-edit move -P NEURO -E NEURO_01_MR2 NEURO_02
  xnat-ls sessions -P NEURO -S NEURO_1 | xnat-edit move NEURO_01
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xnat_core.job import Job
from xnat_core.records import Record, done, planned, skipped


def work(job: Job) -> Iterator[Record]:
    """A record per session, with its new subject."""
    from xnat_core.errors import OperationError, ValidationError
    from xnat_core.services.base import document, fields
    from xnat_core.services.lookup import find_subject
    from xnat_core.services.once import ask_and_see
    from xnat_core.services.routes import require_own_route
    from xnat_core.services.subjects import subject_path
    from xnat_core.urls import path
    from xnat_edit.objects import asked, require_one, session_of

    target = job.args.required("<subject>")

    def act(record: Record) -> Iterable[Record]:
        client = job.client(record)
        session = session_of(client, record)
        subject = find_subject(client, target, session.project)
        require_one(client, {"kind": "subject", "label": target}, subject.id)
        if subject.primary_project:
            raise ValidationError(
                f"subject {target!r} belongs to {subject.primary_project}, not to {session.project}"
            )
        known = {**record, **session.to_record(client.base_url)}
        moved = {**known, "subject": subject.label, "subject_id": subject.id}
        if session.subject_id == subject.id:
            return [skipped(known)]
        where = subject_path(subject) + path("experiments", session.id)
        require_own_route(client, where)
        if job.args.flag("--dry-run"):
            return [planned(moved)]
        about = ("session", session.label)

        def owner() -> object:
            item = document(client, path("data", "experiments", session.id), about) or {}
            return fields(item).get("subject_ID")

        ask_and_see(
            lambda: client.put(where, about=about, repeatable=True),
            lambda: owner() == subject.id,
        )
        if (found := owner()) != subject.id:
            raise OperationError(
                "move", f"session {session.label!r} was to be of {subject.id}, but is of {found}"
            )
        return [done(moved)]

    yield from job.each(act, asked(job, "session"))
