"""Show the configuration, never its passwords.

Usage:
  xnat-auth profile show [options]

Options:
  -p --profile=<name>    Show this profile alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from xnat_auth.profiles import entry, known
from xnat_core.config import Config
from xnat_core.job import Job
from xnat_core.records import Record
from xnat_core.user_paths import config_file


def work(job: Job) -> Iterator[Record]:
    """Yield the configuration, or one profile."""
    config = Config.of_file()
    if (name := job.args.text("--profile")) is not None:
        yield entry(config, known(config, name))
        return
    details = {name: entry(config, name) for name in config.profiles}
    record: Record = {
        "kind": "config",
        "config_file": str(config_file()),
        "default_profile": config.default_profile,
        "output_format": config.output_format,
    }
    if job.for_people:
        yield {**record, "profiles": [_plain(detail) for detail in details.values()]}
    else:
        plain = {name: _plain(detail) for name, detail in details.items()}
        yield {**record, "profiles": list(plain), "profile_details": plain}


def _plain(record: Record) -> Record:
    return {key: value for key, value in record.items() if key != "kind"}
