"""Say something without being told what.

Usage:
  toy [options]

Commands:
  say    Say words.

Options:
  --loud    Loudly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from support.toy import COMMANDS
from xnat_core.commandline import Command
from xnat_core.job import Job
from xnat_core.records import Record
from xnat_core.run import run


def hum(job: Job) -> Iterator[Record]:
    """One record."""
    yield {"kind": "hum", "id": "HM" if job.args.flag("--loud") else "hm"}


def main(argv: Sequence[str]) -> int:
    """Run the toy that hums."""
    here = Command("support.toy_without_verb", "hum", server=False)
    return run("toy", "1.2.3", __doc__, {"": here, **COMMANDS}, argv)
