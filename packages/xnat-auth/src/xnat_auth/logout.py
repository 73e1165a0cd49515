"""End the session on the server and forget it.

Usage:
  xnat-auth logout [options]
"""

from __future__ import annotations

from collections.abc import Iterator

from xnat_core.job import Job
from xnat_core.records import Record


def work(job: Job) -> Iterator[Record]:
    """Log out and yield what became of the session."""
    ended = job.client().invalidate_session()
    status = "logged out" if ended else "was not logged in"
    yield {"kind": "login", "server": job.target.url, "status": status, "url": job.target.url}
