"""Take sessions and subjects out of a project they are shared into.

Usage:
  xnat-edit unshare [options] <target>

Options:
  -P --project=<id>       Project to look for the session or subject in; else the default.
  -S --subject=<name>     Subject: label or accession ID.
  -E --experiment=<name>  Session: accession ID, or with a project its label.
  --only=<kind>           Only what is of this kind: session or subject.
  --dry-run               Say what would be taken out, and change nothing.
  -w --workers=<n>        How many at once.

<target> is the project that shall show them no more. Without -E and -S, records of sessions and
subjects are read from standard input. Refused for the project that they belong to: the server
would delete them. What the target does not show is skipped.

Examples:
  xnat-edit unshare -P NEURO -E NEURO_01_MR1 OPEN
  xnat-ls sessions -P OPEN | xnat-edit unshare OPEN --dry-run
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING

from xnat_core.job import Job
from xnat_core.records import Record, done, planned, skipped

if TYPE_CHECKING:
    from xnat_core.client import XNATClient


def work(job: Job) -> Iterator[Record]:
    """A record per session or subject."""
    from xnat_core.errors import ValidationError
    from xnat_core.services.projects import ProjectService
    from xnat_edit.objects import asked, shared_of

    target = job.args.required("<target>")

    @cache
    def target_in(client: XNATClient) -> str:
        # By its ID: an alias of its own project must not pass for another one.
        return ProjectService(client).get(target).id

    def act(record: Record) -> Iterable[Record]:
        client = job.client(record)
        project = target_in(client)
        shared = shared_of(client, record)
        name = f"{shared.item.kind} {shared.item.label!r}"
        if project.lower() == shared.owner.lower():
            raise ValidationError(
                f"{name} belongs to {project}: the server would delete it "
                "('xnat-edit delete' does, 'xnat-edit share --primary' moves it)"
            )
        known = {**record, **shared.item.to_record(client.base_url), "unshared_from": project}
        if project not in shared.labels:
            return [skipped(known)]
        if job.args.flag("--dry-run"):
            return [planned(known)]
        shared.unshare(project)
        return [done(known)]

    yield from job.each(act, asked(job, "session", "subject"))
