"""Split a stream of records for many machines, run the shards, collect the results.

Usage:
  xnat-shard <command> [options]

Commands:
  plan     Split the records of standard input into shards of equal bytes.
  run      Give one shard to a command, unless it is done or running elsewhere.
  status   Which shards are done, running, waiting.
  collect  The results of all shards; or the failed records, for a second round.

GNU parallel, a Slurm array or a shell loop calls 'run' once for each index. Everything stands in
one folder, which all machines must see; file locks are not needed.
'xnat-shard <command> --help' explains each.

Example:
  xnat-ls scans -P NEURO --long | xnat-shard plan ./plan --shards 8
  parallel -j 4 xnat-shard run ./plan {} -- xnat-download --out ./data ::: {0..7}
  xnat-shard collect ./plan > report.ndjson
"""

from __future__ import annotations

from collections.abc import Sequence

from xnat_core.run import Command, run
from xnat_shard import __version__

_PLANNED = ("id", "records", "size", "path")
_RUN = ("id", "records", "failed", "output")
_STATES = ("id", "state", "records", "size", "failed", "host", "pid")

COMMANDS = {
    "plan": Command("xnat_shard.plan", server=False, columns=_PLANNED),
    "run": Command("xnat_shard.run", server=False, columns=_RUN),
    "status": Command("xnat_shard.status", server=False, columns=_STATES),
    "collect": Command("xnat_shard.collect", server=False),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run xnat-shard."""
    return run("xnat-shard", __version__, __doc__, COMMANDS, argv)
