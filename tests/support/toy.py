"""Say things about words, to try out the machinery that real tools share.

Usage:
  toy say [options] [--tag=<text>]... [<word>]...

Options:
  -n --number=<n>      A number.
  -t --tag=<text>      A tag. Repeatable.
  --loud               Loudly.
  --style=<name>       A style.
  --yes                Do not ask.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from xnat_core.commandline import Command
from xnat_core.errors import IntegrityError, ResourceNotFoundError
from xnat_core.job import Job
from xnat_core.records import Record, done, failed
from xnat_core.run import run

MANUAL = """Try out the machinery.

Usage:
  toy say [<word>]...
"""


def say(job: Job) -> Iterator[Record]:
    """A record per word; some words fail, one stops everything, one is a defect."""
    for word in job.args.texts("<word>"):
        record: Record = {"kind": "word", "id": word, "tags": list(job.args.texts("--tag"))}
        if word == "missing":
            yield failed(record, ResourceNotFoundError("word", word))
        elif word == "broken":
            yield failed(record, IntegrityError("bytes differ"))
        elif word == "stop":
            raise ResourceNotFoundError("word", word)
        elif word == "defect":
            raise ZeroDivisionError("oh")
        elif word == "confirm":
            job.confirm("really?")
        elif word == "here":
            yield {**record, "id": str(Path.cwd())}
        elif word == "draw":
            job.progress.start(total_items=1, what="drawn")
        elif word in ("-", "hear"):
            yield from (done(r, seen=True) for r in job.records("word"))
        else:
            yield record


COMMANDS = {
    "say": Command(
        "support.toy",
        "say",
        server=False,
        listing=True,
        columns=("id", "tags"),
        aliases={"--noisy": ("--loud",), "--mode": ("--style",), "--parallel": ()},
    )
}


def main(argv: list[str] | None = None) -> int:
    """Run the toy."""
    return run("toy", "1.2.3", MANUAL, COMMANDS, argv)


if __name__ == "__main__":
    raise SystemExit(main())
