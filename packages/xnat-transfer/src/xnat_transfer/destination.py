"""The server that is transferred to: found by its own options, logged in with its own login."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from xnat_core.client import XNATClient
from xnat_core.connect import connect
from xnat_core.errors import UsageError
from xnat_core.job import Job
from xnat_core.job_server import first_line
from xnat_core.targets import Environment, Target, resolve
from xnat_core.terminal import ask
from xnat_core.urls import same_server


def destination_target(job: Job) -> Target:
    """What `--dest-profile`, `--dest-url` and their companions name.

    Credentials of the environment are the source's: they go to the destination only when XNAT_URL
    names it.
    """
    args = job.args
    profile, url = args.text("--dest-profile"), args.text("--dest-url")
    if not (profile or url):
        raise UsageError("a destination is needed: --dest-profile NAME or --dest-url URL")
    environment = Environment.read()
    named = partial(
        resolve,
        profile=profile,
        url=url,
        username=args.text("--dest-user"),
        password=_password(job),
    )
    foreign = replace(environment, url=None, username=None, password=None, token=None, profile=None)
    target = named(environment=foreign)
    if environment.url and same_server(environment.url, target.url):
        return named(environment=environment)
    return target


def destination_client(job: Job, target: Target, connections: int) -> XNATClient:
    """A client of the destination for so many threads."""
    return connect(
        target,
        workers=connections,
        prompt=lambda text: ask(text, secret=True),
        reason=job.args.text("--reason"),
    )


def _password(job: Job) -> str | None:
    """The password of the destination; that of the source comes first on standard input."""
    if job.args.flag("--dest-pass-stdin"):
        if job.args.flag("--password-stdin"):
            _ = job.target
        return first_line()
    given = job.args.text("--dest-pass")
    if given is not None:
        job.console.warning(
            "--dest-pass can be read by everybody on this machine; use --dest-pass-stdin"
        )
    return given
