"""Issue an alias token: a name and a secret that log in like you, for about two days.

Usage:
  xnat-auth token issue [options]

Options:
  --out=<file>           Write the token to this file, mode 0600, and print no secret.
  --show-secret          Print the secret in the record.
  --for=<user>           Issue it for this user; only administrators may.

For cron and the tasks of a cluster, so that they hold no password. XNAT_TOKEN_FILE=FILE makes every
tool log in with it at its server and nowhere else; XNAT_USER and XNAT_PASS take alias and secret as
well. 'xnat-auth token revoke' ends it before its time.

Examples:
  xnat-auth token issue --out ~/.xnat-token
  XNAT_TOKEN_FILE=~/.xnat-token xnat-ls projects
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from xnat_auth.tokens import end, record_of
from xnat_core.errors import ConfigurationError, ServerError, UsageError, XNATCtlError
from xnat_core.job import Job
from xnat_core.records import Record, done
from xnat_core.token_files import AliasToken
from xnat_core.urls import path


def work(job: Job) -> Iterator[Record]:
    """The record of the token."""
    out, shown = job.args.path("--out"), job.args.flag("--show-secret")
    if out is None and not shown:
        raise UsageError("where shall the secret go: --out FILE or --show-secret")
    client, user = job.client(), job.args.text("--for")
    where = path("data", "services", "tokens", "issue", *(("user", user) if user else ()))
    token = client.get_json(where)
    if not isinstance(token, dict) or not all(
        isinstance(token.get(part), str) and token[part] for part in ("alias", "secret")
    ):
        raise ServerError("GET", f"{where}: answered without a token")
    record = record_of(token, client.base_url)
    if out is not None:
        try:
            AliasToken(client.base_url, token["alias"], token["secret"]).write(out)
        except ConfigurationError:
            # Nobody has seen its secret: it would be alive for two days, and of use to nobody.
            with suppress(XNATCtlError):
                end(client, str(token["alias"]))
            raise
        record["path"] = str(out)
    yield done(record, secret=token["secret"] if shown else None)
