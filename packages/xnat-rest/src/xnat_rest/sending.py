"""A request with a body, from the words of its command line to its answer."""

from __future__ import annotations

from collections.abc import Iterator

from xnat_core.job import Job
from xnat_core.records import Record
from xnat_rest.answers import show
from xnat_rest.requests import pairs, payload, target


def send(job: Job, method: str) -> Iterator[Record]:
    """Send the request once and show what the server answers."""
    job.args.only_one("--data", "--file")
    path = target(job.args.required("<path>"), job.target.url)
    body = payload(
        job.args.text("--data"), job.args.path("--file"), job.args.text("--content-type")
    )
    params = pairs(job.args.texts("--params"))
    # So the prearchive says that a session was archived or moved.
    accept = {301, 303} if method == "POST" else set()
    yield from show(job, job.client().request(method, path, params=params, accept=accept, **body))
