"""Ask the server whether the login works.

Usage:
  xnat-auth test [options]
"""

from __future__ import annotations

from collections.abc import Iterator

from xnat_core.job import Job
from xnat_core.models import User
from xnat_core.records import Record


def work(job: Job) -> Iterator[Record]:
    """Yield the user that the server reports; raises AuthenticationError when there is none."""
    yield User.from_row(job.client().whoami()).to_record(job.target.url)
