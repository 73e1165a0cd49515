"""Send data to PATH.

Usage:
  xnat-rest post [options] [--params=<pair>]... <path>

Options:
  --params=<pair>        KEY=VALUE of the query; colons and slashes in KEY travel as they are.
                         Repeatable.
  -d --data=<text>       The body.
  -f --file=<path>       Send this file as the body, byte for byte.
  --content-type=<type>  Type of the body; guessed from the file's name or the text when not given.
  --raw                  Print the bytes of the answer as they are.

XNAT's /data routes take no JSON: fields travel as --params. A file put into a resource needs
'--params inbody=true'. The answer's status is told on standard error.

Example:
  xnat-rest post /xapi/siteConfig/siteId --data MYSITE --content-type text/plain
"""

from __future__ import annotations

from collections.abc import Iterator

from xnat_core.job import Job
from xnat_core.records import Record
from xnat_rest.sending import send


def work(job: Job) -> Iterator[Record]:
    """Send it."""
    yield from send(job, "POST")
