"""The alias tokens that are alive, without their secrets.

Usage:
  xnat-auth token list [options]

Options:
  --for=<user>           Those of this user; only administrators may ask.

Example:
  xnat-auth token list --where 'expires_at<2025-01-01' | xnat-auth token revoke
"""

from __future__ import annotations

from collections.abc import Iterator

from xnat_auth.tokens import record_of
from xnat_core.job import Job
from xnat_core.records import Record
from xnat_core.urls import path


def work(job: Job) -> Iterator[Record]:
    """A record per token."""
    client, user = job.client(), job.args.text("--for")
    where = path("data", "services", "tokens", "show", *(("user", user) if user else ()))
    for token in client.get_json(where):
        yield record_of(token, client.base_url)
