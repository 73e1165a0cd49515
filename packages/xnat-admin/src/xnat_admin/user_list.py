"""The users of the server, or of a project.

Usage:
  xnat-admin user list [options] [<user>]...

Options:
  -P --project=<id>   Only the members of this project, with their groups in it.
  -l --long           Tell also the groups of each user; administrators only.
  -w --workers=<n>    How many requests at once.

Examples:
  xnat-admin user list -P NEURO --where groups~owner
  xnat-admin user list alice --long
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xnat_core.job import Job
from xnat_core.records import Record


def work(job: Job) -> Iterator[Record]:
    """A record per user."""
    from dataclasses import replace

    from xnat_admin.members import find_user, groups_of, list_users
    from xnat_core.errors import UsageError

    client = job.client()
    project, names = job.args.text("--project"), job.args.texts("<user>")
    if project and names:
        raise UsageError("either users or a project")

    def look(record: Record) -> Iterable[Record]:
        user = find_user(client, record["username"])
        if job.args.flag("--long"):
            user = replace(user, groups=tuple(sorted(groups_of(client, user.username))))
        return [user.to_record(client.base_url)]

    if not names:
        listed = sorted(list_users(client, project), key=lambda user: user.username.lower())
        records = [user.to_record(client.base_url) for user in listed]
        if project or not job.args.flag("--long"):
            yield from records
            return
        names = tuple(record["username"] for record in records)
    yield from job.each(look, [{"kind": "user", "username": name} for name in names], ordered=True)
