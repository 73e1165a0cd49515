"""What the server is: URL, version, build.

Usage:
  xnat-admin info [options]

Needs no login.

Example:
  xnat-admin info --url https://xnat.example.org
"""

from __future__ import annotations

from collections.abc import Iterator

from xnat_core.job import Job
from xnat_core.records import Record


def work(job: Job) -> Iterator[Record]:
    """The record of the server."""
    from xnat_admin.site import server_info

    yield {"kind": "server", **server_info(job.client())}
