"""The results of all shards; or the failed records, for a second round.

Usage:
  xnat-shard collect [options] <dir>

Options:
  --again               Print only the records that failed, without the failure, so that they can be
                        planned or fed to the command once more.

Prints the results in the order of the shards; a line that is no record is a failure, and the rest
comes. Exit status 75 when shards are not done yet: the message names them. With --again, failures
do not count.

Examples:
  xnat-shard collect ./plan > report.ndjson
  xnat-shard collect ./plan --again | xnat-download --out ./data
"""

from __future__ import annotations

from collections.abc import Iterator

from xnat_core.errors import UnfinishedError
from xnat_core.job import Job
from xnat_core.presence import exists
from xnat_core.records import Record, RecordError, failed
from xnat_core.user_paths import expanded
from xnat_core.wording import counted
from xnat_shard.folder import Folder, records_in


def work(job: Job) -> Iterator[Record]:
    """Every record of every result."""
    folder = Folder(expanded(job.args.required("<dir>")))
    again = job.args.flag("--again")
    parts = folder.read().parts
    missing = []
    for part in parts:
        output = folder.output(part)
        if not exists(output):
            missing.append(str(part.index))
            continue
        for record in records_in(output):
            if isinstance(record, RecordError):
                if again:
                    job.console.warning(record.message)
                else:
                    yield failed({"kind": "input"}, record)
            elif not again:
                yield record
            elif record.get("outcome") == "failed":
                yield {key: record[key] for key in record if key not in ("outcome", "error")}
    if missing:
        raise UnfinishedError(
            f"{len(missing)} of {counted(len(parts), 'shard is', 'shards are')} not done: "
            f"{','.join(missing)}"
        )
