"""Read PATH and print what the server answers.

Usage:
  xnat-rest get [options] [--params=<pair>]... <path>

Options:
  --params=<pair>   KEY=VALUE of the query; colons and slashes in KEY travel as they are.
                    Repeatable.
  --raw             Print the bytes of the answer as they are, whatever they are.

A listing (a ResultSet, or an array of objects) is printed a row a line; '--output json' prints the
whole document as the server wrote it. What is not JSON is printed as it is.

Examples:
  xnat-rest get /data/projects --columns ID,name --output table
  xnat-rest get /data/experiments/XNAT_E00001 --params format=xml
"""

from __future__ import annotations

from collections.abc import Iterator

from xnat_core.job import Job
from xnat_core.records import Record
from xnat_rest.answers import show
from xnat_rest.requests import pairs, target


def work(job: Job) -> Iterator[Record]:
    """Yield the rows of a listing; other answers are written as they are."""
    path = target(job.args.required("<path>"), job.target.url)
    params = pairs(job.args.texts("--params"))
    asked = {pair.partition("=")[0] for pair in path.partition("?")[2].split("&")}
    if path.startswith(("/data", "/REST")) and "format" not in asked | {key for key, _ in params}:
        # Without a format, a single item answers with a page for people.
        params = [*params, ("format", "json")]
    with job.client().stream(path, params=params) as answer:
        # Servers mark files that end in .gz as compressed: it is the file that is wanted.
        is_file = job.args.flag("--raw") or "/files/" in path
        yield from show(job, answer, answer.blocks() if is_file else None)
