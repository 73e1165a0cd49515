"""Choose the default profile.

Usage:
  xnat-auth profile use [options] <name>

Example:
  xnat-auth profile use dev
"""

from __future__ import annotations

from collections.abc import Iterator

from xnat_auth.profiles import changing, entry, known
from xnat_core.job import Job
from xnat_core.records import Record, done


def work(job: Job) -> Iterator[Record]:
    """Write the choice and yield the profile."""
    with changing() as config:
        name = known(config, job.args.required("<name>"))
        config.set_default_profile(name)
    yield done(entry(config, name))
