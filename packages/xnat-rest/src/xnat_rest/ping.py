"""Ask the server whether it is there, and how fast it answers.

Usage:
  xnat-rest ping [options]

Prints URL, status, version, time to the answer in milliseconds, and whether the login works where
there is one. No login is needed.
"""

from __future__ import annotations

from collections.abc import Iterator

from xnat_core.errors import AuthenticationError
from xnat_core.job import Job
from xnat_core.models import Server
from xnat_core.records import Record


def work(job: Job) -> Iterator[Record]:
    """Yield one record of the server; raises a ConnectionError when it is not there."""
    client = job.client()
    facts = client.ping()
    try:
        client.whoami()
        authenticated = True
    except AuthenticationError:
        authenticated = False
    yield Server.from_row(facts, authenticated=authenticated).to_record(job.target.url)
