"""Put users into groups of projects.

Usage:
  xnat-admin user add [options] [<user>] [<group>]...

Options:
  --projects=<ids>    Projects, separated by commas: the group of --role in each.
  --role=<name>       owner, member or collaborator; member when not given.
  --dry-run           Say what would be changed, and change nothing.
  -w --workers=<n>    How many users at once.

A group is called PROJECT_ROLE, such as NEURO_owner. The user must exist: the server would invite an
unknown one by mail. A user has one role in a project, so another one ends. With '-' instead of a
user, user records are read from standard input.

Examples:
  xnat-admin user add alice --projects NEURO,OPEN --role collaborator
  xnat-admin user list -P PILOT | xnat-admin user add - NEURO_member
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
    from xnat_admin.members import ROLES, group_names
    from xnat_admin.membership import changed
    from xnat_core.validation import validate_project_list

    role = job.args.choice("--role", ROLES) or "member"
    listed = job.args.text("--projects")
    projects = validate_project_list(listed) if listed is not None else []
    named = group_names(job.args.texts("<group>"), projects, role)

    def groups(client: XNATClient, user: str) -> list[str]:
        return named

    yield from changed(job, groups, join=True)
