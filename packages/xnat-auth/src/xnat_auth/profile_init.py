"""Make the first profile, and the configuration file with it.

Usage:
  xnat-auth profile init [options]

Options:
  --url=<url>            Base URL of the server; asked for on a terminal when missing.
  -p --profile=<name>    Name of the profile; 'default' when not given.
  -P --project=<id>      Project to use when a command names none.
  -u --username=<name>   User to log in as.
  --force                Replace a profile of that name.

Passwords are not kept in the file: 'xnat-auth login' asks for one and keeps the session.

Example:
  xnat-auth profile init --url https://xnat.example.org --project NEURO
"""

from __future__ import annotations

from collections.abc import Iterator

from xnat_auth.profiles import add, changing, entry
from xnat_core.config import Config
from xnat_core.errors import ConfigurationError, UsageError
from xnat_core.job import Job
from xnat_core.records import Record, done


def work(job: Job) -> Iterator[Record]:
    """Write the profile and yield it."""
    name = job.args.text("--profile") or "default"
    _require_free(job, Config.of_file(), name)
    url = job.args.text("--url") or job.ask("URL of the XNAT server: ")
    if not url:
        raise UsageError("--url is needed: there is no terminal to ask on")
    with changing() as config:
        _require_free(job, config, name)
        profile = add(config, name, url, default_project=job.args.text("--project"))
        profile.username = job.args.text("--username")
    yield done(entry(config, name))


def _require_free(job: Job, config: Config, name: str) -> None:
    if config.has_profile(name) and not job.args.flag("--force"):
        raise ConfigurationError(f"profile {name!r} is there already; --force replaces it")
