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

from xnat_auth.tokens import record_of, tokens_of
from xnat_core.job import Job
from xnat_core.records import Record


def work(job: Job) -> Iterator[Record]:
    """A record per token."""
    client = job.client()
    for token in tokens_of(client, job.args.text("--for")):
        yield record_of(token, client.base_url)
