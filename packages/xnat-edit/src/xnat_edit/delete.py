"""Delete what the records on standard input name.

Usage:
  xnat-edit delete [options]

Options:
  --force            Also subjects that have sessions, and projects that have subjects.
  --keep-files       Leave the files on the server's disk.
  -y --yes           Do not ask.
  --dry-run          Say what would be deleted, and delete nothing.
  -w --workers=<n>   How many at once, with --yes.

Records of projects, subjects, sessions, scans, resources and files are read. Each is looked up anew
and told with what would go with it (subjects, sessions, scans, files). Deleted data cannot be
brought back. Without --yes the terminal is asked for each.

A file is refused when the server would delete others with it: it deletes all that begin alike.

Examples:
  xnat-ls scans -P NEURO --where quality=unusable | xnat-edit delete --dry-run
  xnat-ls files -P NEURO -E NEURO_01_MR1 --where path~tmp$ | xnat-edit delete --yes
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from xnat_core.job import Job
from xnat_core.records import Record

if TYPE_CHECKING:
    from xnat_edit.files import Batch


def work(job: Job, *kinds: str) -> Iterator[Record]:
    """A record per object that is gone; only those of `kinds`, when there are any."""
    from xnat_core.parallel import Turns
    from xnat_edit.files import Batch, batches, remove_batch
    from xnat_edit.removal import at_once, remove_each, require_answer
    from xnat_edit.removals import KINDS, look

    require_answer(job)
    turns = Turns()

    def one(item: Record | Batch) -> Iterable[Record]:
        if isinstance(item, Batch):
            return remove_batch(job, item, turns)
        return remove_each(job, look, item)

    yield from job.each(one, batches(job.records(*(kinds or KINDS))), at_once(job))
