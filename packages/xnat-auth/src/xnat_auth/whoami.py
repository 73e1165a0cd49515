"""Who the server takes you for, and your projects.

Usage:
  xnat-auth whoami [options]

Prints the user, the profile and its default project, how requests are authenticated, and the
projects that you can reach. Without a login it ends with status 3.
"""

from __future__ import annotations

from collections.abc import Iterator

from xnat_core.job import Job
from xnat_core.models import User
from xnat_core.records import Record
from xnat_core.writers import natural


def work(job: Job) -> Iterator[Record]:
    """Yield one record of the user."""
    client = job.client()
    facts = client.whoami()
    rows = client.rows("/data/projects", {"accessible": "true", "format": "json"})
    projects = sorted({row.get("id") or row.get("ID") or "" for row in rows} - {""}, key=natural)
    yield User.from_row(
        facts,
        projects=tuple(projects),
        profile=job.target.profile_name,
        default_project=job.profile.default_project,
        auth_mode="session",
    ).to_record(job.target.url)
