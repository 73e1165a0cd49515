"""End alias tokens before their time.

Usage:
  xnat-auth token revoke [options] [<alias>]...

Without an alias, token records are read from standard input, as 'list' and 'issue' print them.
Sessions that were opened with a token end by themselves, or by 'xnat-auth logout'.

Examples:
  xnat-auth token revoke 8d6c7a2f-2f0b-4b6c-9f55-2f3a7c1d0e9b
  xnat-auth token list | xnat-auth token revoke
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xnat_core.errors import XNATCtlError
from xnat_core.job import Job
from xnat_core.records import Record, done, failed
from xnat_core.urls import path


def work(job: Job) -> Iterator[Record]:
    """A record per token."""
    words = job.args.texts("<alias>")
    tokens: Iterable[Record]
    if job.wants_input(words):
        tokens = job.records("token")
    else:
        tokens = ({"kind": "token", "id": alias} for alias in words)
    for token in tokens:
        alias = str(token.get("id") or "")
        try:
            client = job.client(token)
            where = path("data", "services", "tokens", "invalidate", alias)
            client.get(where, about=("token", alias))
        except XNATCtlError as error:
            yield failed(token, error)
        else:
            yield done({"kind": "token", "server": client.base_url, **token})
