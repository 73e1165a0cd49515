"""Take users out of groups of projects.

Usage:
  xnat-admin user remove [options] [<user>] [<group>]...

Options:
  --projects=<ids>    Projects, separated by commas: all groups of the user in each.
  --role=<name>       owner, member or collaborator: with --projects only this group.
  -y --yes            Do not ask.
  --dry-run           Say what would be changed, and change nothing.
  -w --workers=<n>    How many users at once, with --yes.

A group is called PROJECT_ROLE, such as NEURO_owner. With '-' instead of a user, user records are
read from standard input. The account itself stays.

Example:
  xnat-admin user remove alice --projects NEURO --dry-run
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from xnat_core.job import Job
from xnat_core.records import Record

if TYPE_CHECKING:
    from xnat_core.client import XNATClient


def work(job: Job) -> Iterator[Record]:
    """A record per user and group."""
    from xnat_admin.members import ROLES, groups_in
    from xnat_admin.membership import changed
    from xnat_core.errors import UsageError
    from xnat_core.validation import validate_lookup, validate_project_list

    role = job.args.choice("--role", ROLES)
    listed = job.args.text("--projects")
    projects = validate_project_list(listed) if listed is not None else []
    named = [validate_lookup(group, "group") for group in job.args.texts("<group>")]
    if not (named or projects):
        raise UsageError("out of which groups? name them, or --projects")

    def groups(client: XNATClient, user: str) -> list[str]:
        return list(dict.fromkeys([*named, *groups_in(client, user, projects, role)]))

    yield from changed(job, groups, join=False)
