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

from collections.abc import Container, Iterable, Iterator
from typing import TYPE_CHECKING

from xnat_auth.tokens import end, tokens_of
from xnat_core.errors import (
    OperationError,
    PermissionDeniedError,
    ResourceNotFoundError,
    XNATCtlError,
)
from xnat_core.job import Job
from xnat_core.records import Record, done, failed

if TYPE_CHECKING:
    from xnat_core.client import XNATClient


def work(job: Job) -> Iterator[Record]:
    """A record per token."""
    words = job.args.texts("<alias>")
    tokens: Iterable[Record]
    if job.wants_input(words):
        tokens = job.records("token")
    else:
        tokens = ({"kind": "token", "id": alias} for alias in words)
    alive: dict[XNATClient, Container[str] | XNATCtlError] = {}
    for token in tokens:
        alias = str(token.get("id") or "")
        try:
            client = job.client(token)
            if client not in alive:
                alive[client] = _alive(client)
            _revoke(client, alias, alive[client])
        except XNATCtlError as error:
            yield failed(token, error)
        else:
            yield done({"kind": "token", "server": client.base_url, **token})


def _alive(client: XNATClient) -> Container[str] | XNATCtlError:
    """The aliases of one's own tokens, or why they are not told: to end one needs no list."""
    try:
        return {str(token.get("alias")) for token in tokens_of(client)}
    except (OperationError, PermissionDeniedError, ResourceNotFoundError) as error:
        return error


def _revoke(client: XNATClient, alias: str, alive: Container[str] | XNATCtlError) -> None:
    """End a token. Raises what speaks against it having ended."""
    try:
        end(client, alias)
    except ResourceNotFoundError:
        if isinstance(alive, XNATCtlError):
            raise alive from None
        # The answer was lost, and the request that was made again found it gone.
        if alias not in alive:
            raise
