"""Remove a profile.

Usage:
  xnat-auth profile remove [options] <name>

Options:
  -y --yes      Do not ask.
  --dry-run     Say what would be removed, and remove nothing.

The default profile cannot be removed; choose another default first.
"""

from __future__ import annotations

from collections.abc import Iterator

from xnat_auth.profiles import entry, known
from xnat_core.config import Config
from xnat_core.errors import ConfigurationError
from xnat_core.job import Job
from xnat_core.records import Record, done, planned


def work(job: Job) -> Iterator[Record]:
    """Remove the profile and yield what it was."""
    config = Config.load()
    name = known(config, job.args.required("<name>"))
    if name == config.default_profile:
        raise ConfigurationError(
            f"profile {name!r} is the default: 'xnat-auth profile use OTHER' first"
        )
    record = entry(config, name)
    if job.args.flag("--dry-run"):
        yield planned(record)
        return
    job.confirm(f"Remove profile {name} ({record['url']})?")
    config.remove_profile(name)
    config.save()
    yield done(record)
