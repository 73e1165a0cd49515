"""Show sessions and subjects in another project as well, or move them there.

Usage:
  xnat-edit share [options] <target>

Options:
  -P --project=<id>       Project of the session or subject; else the default of the profile.
  -S --subject=<name>     Subject: label or accession ID.
  -E --experiment=<name>  Session: accession ID, or with a project its label.
  --label=<label>         Label in the target project; else the same.
  --with-subject          With a session also its subject, where the target does not have it yet.
  --primary               Move it: the target becomes its project, the old one keeps a share.
  --only=<kind>           Only what is of this kind: session or subject.
  --dry-run               Say what would be shared, and change nothing.
  -w --workers=<n>        How many at once.

<target> is a project. Without -E and -S, records of sessions and subjects are read from standard
input. What the target shows already is skipped. A session whose subject the target does not show
appears there with a subject that nobody can open: --with-subject.

Examples:
  xnat-edit share -P NEURO -E NEURO_01_MR1 OPEN --label OPEN_01_MR1 --with-subject
  xnat-ls sessions -P NEURO --where note~shareable | xnat-edit share OPEN --with-subject
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING

from xnat_core.job import Job
from xnat_core.records import Record, done, planned, skipped

if TYPE_CHECKING:
    from xnat_core.client import XNATClient
    from xnat_core.services.sharing import Shared


def work(job: Job) -> Iterator[Record]:
    """A record per session or subject."""
    from xnat_core.errors import OperationError, UsageError
    from xnat_core.services.projects import ProjectService
    from xnat_core.validation import validate_xnat_identifier
    from xnat_edit.objects import asked, named, shared_of

    target = job.args.required("<target>")
    label = job.args.text("--label")
    label = validate_xnat_identifier(label, "label") if label is not None else None
    if label and named(job) is None:
        raise UsageError("--label is for one object: name it with -E or -S")
    primary, dry = job.args.flag("--primary"), job.args.flag("--dry-run")

    @cache
    def target_in(client: XNATClient) -> str:
        return ProjectService(client).get(target).id

    def act(record: Record) -> Iterable[Record]:
        client = job.client(record)
        project = target_in(client)
        shared = shared_of(client, record)
        known = {**record, **shared.item.to_record(client.base_url), "shared_into": project}
        is_there = project == shared.owner if primary else project in shared.labels
        is_done = is_there and label in (None, shared.labels.get(project))
        if is_there and not is_done:
            first = "rename it" if project == shared.owner else "take it out with 'unshare'"
            raise OperationError(
                "share",
                f"{shared.item.kind} {shared.item.label!r} is in {project} already, as "
                f"{shared.labels[project]!r}: {first} first",
            )
        if not is_done:
            shared.require_free(project, label or shared.item.label)
        subject = _subject_to_share(job, shared, project)
        if is_done and subject is None:
            return [skipped(known)]
        if dry:
            return [planned(known, with_subject=bool(subject) or None)]
        if subject:
            subject.share(project, None, primary=False)
        if not is_done:
            shared.share(project, label, primary=primary)
        moved = {"project": project} if primary else {}
        return [done({**known, **moved}, with_subject=bool(subject) or None)]

    yield from job.each(act, asked(job, "session", "subject"))


def _subject_to_share(job: Job, shared: Shared, project: str) -> Shared | None:
    """The subject of a session, when it is to be shared and is not there yet."""
    from xnat_core.models import Session
    from xnat_core.services.lookup import find_subject
    from xnat_core.services.sharing import Shared

    if not (job.args.flag("--with-subject") and isinstance(shared.item, Session)):
        return None
    subject = find_subject(shared.client, str(shared.item.subject_id or ""))
    found = Shared.look(shared.client, subject)
    if project in found.labels or project == found.owner:
        return None
    found.require_free(project, subject.label)
    return found
