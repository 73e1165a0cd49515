"""Log in and keep the session for the tools that follow.

Usage:
  xnat-auth login [options]

The user comes from --username, XNAT_USER or the profile and is asked for otherwise; the password
from --password-stdin, XNAT_PASS or the profile, and is asked for unseen otherwise. The session is
kept in a file that only you can read; the server ends it when it is not used for a while.

Examples:
  xnat-auth login
  pass show xnat | xnat-auth login -p prod -u alice --password-stdin
"""

from __future__ import annotations

from collections.abc import Iterator

from xnat_core.auth import AuthManager
from xnat_core.errors import SessionExpiredError, UsageError
from xnat_core.job import Job
from xnat_core.records import Record


def work(job: Job) -> Iterator[Record]:
    """Log in, whatever session there is, and yield who the server says that was."""
    username = job.target.username or job.ask(f"User at {job.target.url}: ")
    if not username:
        raise UsageError("--username is needed: there is no terminal to ask on")
    job.log_in_as(username)
    client = job.client()
    try:
        client.authenticate()
    except SessionExpiredError as error:
        # The advice to log in helps everybody but who does so.
        reason = f"no password for user {username!r}: --password-stdin reads one, or set XNAT_PASS"
        raise SessionExpiredError(job.target.url, reason) from error
    reported = str(client.whoami().get("username", ""))
    if reported.lower() != username.lower():
        job.console.warning(f"asked for user {username!r}, the server reports {reported!r}")
    session = AuthManager().find(job.target.url, username)
    if session is None:
        job.console.warning("the session could not be kept: it ends with this command")
    yield {
        "kind": "login",
        "server": job.target.url,
        "status": "logged in",
        "username": username,
        "url": job.target.url,
        "expires_at": session.expires_at.isoformat() if session and session.expires_at else None,
    }
