"""Read the site configuration.

Usage:
  xnat-admin site-config get [options] [<key>]...

Without a key, everything that you may read. Administrators see all keys, others some.

Examples:
  xnat-admin site-config get sessionTimeout requireLogin
  xnat-admin site-config get --filter 'id:*Archive*'
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xnat_core.job import Job
from xnat_core.records import Record


def work(job: Job) -> Iterator[Record]:
    """A record per key."""
    from xnat_admin.site import site_config

    client = job.client()

    def look(record: Record) -> Iterable[Record]:
        return [{**record, "value": site_config(client, record["id"])}]

    keys = job.args.texts("<key>")
    named = [{"kind": "setting", "server": client.base_url, "id": key} for key in keys]
    if named:
        yield from job.each(look, named, ordered=True)
        return
    for key, value in sorted(site_config(client).items()):
        yield {"kind": "setting", "server": client.base_url, "id": key, "value": value}
