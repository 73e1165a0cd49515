"""Change the site configuration.

Usage:
  xnat-admin site-config set [options] <key> <value>

Options:
  --dry-run   Say what would be changed, and change nothing.

The key must exist, and the value be of its kind: true or false, a number, a text. It is read back.
Administrators only.

Example:
  xnat-admin site-config set sessionTimeout '30 minutes'
"""

from __future__ import annotations

from collections.abc import Iterator

from xnat_core.job import Job
from xnat_core.records import Record, done, planned, skipped


def work(job: Job) -> Iterator[Record]:
    """The record of the setting, with what it was."""
    from xnat_admin.site import like, set_site_config, site_config

    client = job.client()
    key, text = job.args.required("<key>"), job.args.text("<value>") or ""
    was = site_config(client, key)
    value = like(key, was, text)
    record = {"kind": "setting", "server": client.base_url, "id": key, "value": value, "was": was}
    if value == was:
        yield skipped(record)
    elif job.args.flag("--dry-run"):
        yield planned(record)
    else:
        set_site_config(client, key, value)
        yield done(record)
