"""Add a profile.

Usage:
  xnat-auth profile add [options] <name>

Options:
  --url=<url>            Base URL of the server.
  -P --project=<id>      Project to use when a command names none.
  -u --username=<name>   User to log in as.
  --timeout=<seconds>    How long the server may work on one request; 21600 when not given.
  --no-verify-ssl        Do not check the certificate of the server.
  --ca-bundle=<file>     Trust the certificate authorities in this file.

Example:
  xnat-auth profile add dev --url https://xnat-dev.example.org --project SANDBOX
"""

from __future__ import annotations

from collections.abc import Iterator

from xnat_auth.profiles import add, changing, entry
from xnat_core.errors import ConfigurationError, UsageError
from xnat_core.job import Job
from xnat_core.records import Record, done
from xnat_core.validation import DEFAULT_TIMEOUT, LONGEST_TIMEOUT, validate_path_exists


def work(job: Job) -> Iterator[Record]:
    """Write the profile and yield it."""
    name = job.args.required("<name>")
    with changing() as config:
        if config.has_profile(name):
            raise ConfigurationError(f"profile {name!r} is there already; remove it first")
        profile = add(
            config,
            name,
            job.args.required("--url"),
            verify_ssl=not job.args.flag("--no-verify-ssl"),
            timeout=_timeout(job),
            default_project=job.args.text("--project"),
        )
        profile.username = job.args.text("--username")
        bundle = job.args.path("--ca-bundle")
        profile.ca_bundle = str(validate_path_exists(bundle)) if bundle else None
    yield done(entry(config, name))


def _timeout(job: Job) -> int:
    seconds = job.args.whole("--timeout", least=1) or DEFAULT_TIMEOUT
    if seconds > LONGEST_TIMEOUT:
        raise UsageError(f"--timeout {seconds}: must be at most {LONGEST_TIMEOUT}")
    return seconds
