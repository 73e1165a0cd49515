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

from xnat_auth.profiles import changing, entry, known
from xnat_core.config import Config
from xnat_core.errors import ConfigurationError
from xnat_core.job import Job
from xnat_core.records import Record, done, planned


def work(job: Job) -> Iterator[Record]:
    """Remove the profile and yield what it was."""
    name = job.args.required("<name>")
    record = _record(Config.of_file(), name)
    if job.args.flag("--dry-run"):
        yield planned(record)
        return
    job.confirm(f"Remove profile {name} ({record['url']})?")
    with changing() as config:
        record = _record(config, name)
        config.remove_profile(name)
    yield done(record)


def _record(config: Config, name: str) -> Record:
    """What is to go. Raises ConfigurationError for what must stay."""
    if known(config, name) == config.default_profile:
        raise ConfigurationError(
            f"profile {name!r} is the default: 'xnat-auth profile use OTHER' first"
        )
    return entry(config, name)
