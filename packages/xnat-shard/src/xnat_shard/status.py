"""Which shards are done, running, waiting.

Usage:
  xnat-shard status [options] <dir>

Reads the folder and changes nothing. 'failed' counts the records that failed in a shard that is
done. With --quiet it prints indices, which is what an array of the rest needs.

Examples:
  xnat-shard status ./plan
  sbatch --array=$(xnat-shard status ./plan --where state!=done -q | paste -sd,) shards.sh ./plan
"""

from __future__ import annotations

from collections.abc import Iterator

from xnat_core.job import Job
from xnat_core.presence import exists
from xnat_core.records import Record
from xnat_core.user_paths import expanded
from xnat_shard.folder import Folder, Part
from xnat_shard.results import results_of


def work(job: Job) -> Iterator[Record]:
    """A record per shard."""
    folder = Folder(expanded(job.args.required("<dir>")))
    for part in folder.read().parts:
        yield _state(folder, part)


def _state(folder: Folder, part: Part) -> Record:
    output = folder.output(part)
    if exists(output):
        found = results_of(output)
        return folder.record(part, state="done", failed=found.failed, output=str(output))
    holder = folder.lease(part).holder()
    if holder is None:
        return folder.record(part, state="waiting")
    return folder.record(part, state="running", host=holder.host, pid=holder.pid)
