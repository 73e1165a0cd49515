"""Print the name of the default profile.

Usage:
  xnat-auth profile current [options]

XNAT_PROFILE, where it is set, names the one; XNAT_URL stands for one called 'default'.
"""

from __future__ import annotations

from collections.abc import Iterator

from xnat_auth.profiles import entry, known
from xnat_core.config import Config
from xnat_core.errors import ConfigurationError
from xnat_core.job import Job
from xnat_core.records import Record


def work(job: Job) -> Iterator[Record]:
    """Yield the profile in use."""
    config = Config.load()
    if not config.profiles:
        raise ConfigurationError("there are no profiles: 'xnat-auth profile init' makes one")
    yield entry(config, known(config, config.default_profile))
