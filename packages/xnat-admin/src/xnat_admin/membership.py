"""What 'user add' and 'user remove' have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from xnat_core.records import Record, done, failed, planned, skipped

if TYPE_CHECKING:
    from xnat_core.client import XNATClient
    from xnat_core.job import Job

Groups = Callable[["XNATClient", str], list[str]]


def changed(job: Job, groups: Groups, *, join: bool) -> Iterator[Record]:
    """A record per user and group; `groups` tells those of a user."""
    from xnat_admin.members import change, split

    dry = job.args.flag("--dry-run")

    def act(record: Record) -> Iterable[Record]:
        client = job.client(record)
        user = str(record.get("username") or "")
        named = groups(client, user)
        if not join and not dry:
            job.confirm(f"Take {user} out of {', '.join(named) or 'no group'}?")
        for group, outcome in change(client, user, named, join=join, dry_run=dry).items():
            project, role = split(group)
            place = {"project": project, "role": role} if project else {}
            known = {**record, "server": client.base_url, "group": group, **place}
            if not isinstance(outcome, str):
                yield failed(known, outcome)
            elif outcome == "skipped":
                yield skipped(known)
            else:
                yield planned(known) if dry else done(known)

    user = job.args.text("<user>")
    records: Iterable[Record] = [{"kind": "user", "username": user or ""}]
    if user in (None, "-"):
        records = job.records("user")
    # One user after the other where a person is asked.
    yield from job.each(act, records, 1 if not join and not job.args.flag("--yes") else 0)
