"""Give one shard to a command, unless it is done or running elsewhere.

Usage:
  xnat-shard run [options] <dir> <index> -- <command>...

Options:
  --lease=<seconds>     How long a shard stays taken after the last sign of life of the process
                        that runs it; 60 when not given.

The command reads the records on standard input; what it prints becomes the result, all at once when
it has ended. What it leaves running then is not waited for, and told. A shard that is done is
'skipped'. When somebody else has taken it, this waits until that process shows that it lives, or
its time is over and the shard is taken up.

Exit status: 0 done. When records failed, the status of their reason: the shard is done all the
same, and 'collect --again' prints them. 75 not done, with nothing wrong: SIGTERM came, the command
reached a bound like --max-duration, or the shard runs elsewhere; run it again later. Otherwise the
status of the command, which could not work; the shard is not done.

Examples:
  xnat-shard run ./plan 3 -- xnat-download --out ./data --max-duration 3h
  xnat-shard run ./plan 3 -- bash -o pipefail -c 'xnat-ls scans | xnat-download --out ./data'
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import suppress

from xnat_core.errors import (
    DONE,
    GENERAL,
    INTERRUPTED,
    TERMINATED,
    UNFINISHED,
    UnfinishedError,
    XNATCtlError,
)
from xnat_core.files import unique_part_path
from xnat_core.job import Job
from xnat_core.leases import SECONDS, Lease
from xnat_core.presence import exists
from xnat_core.records import Record, done, failed, skipped
from xnat_core.signals import Terminated
from xnat_core.user_paths import expanded
from xnat_core.validation import LONGEST_TIMEOUT
from xnat_core.wording import counted
from xnat_shard.child import start, wait
from xnat_shard.folder import Folder, Part
from xnat_shard.results import Results, results_of

_LOOK = 0.5
_STOPPED = (UNFINISHED, INTERRUPTED, TERMINATED)
_CRASHES = ("SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGSEGV", "SIGSYS", "SIGXFSZ")
"""Signals that nobody sends to a command: what it does brings them, and will again."""


def work(job: Job) -> Iterator[Record]:
    """One record: the shard."""
    folder = Folder(expanded(job.args.required("<dir>")))
    index = job.args.whole("<index>")
    assert index is not None
    part = folder.read().part(index)
    seconds = job.args.number("--lease", least=1) or SECONDS
    lease = folder.lease(part, min(seconds, LONGEST_TIMEOUT))
    try:
        if _take(folder, part, lease):
            try:
                yield _run(job, folder, part, lease)
            finally:
                lease.release()
        else:
            yield _told(folder, part, "skipped")
    except Terminated:
        raise UnfinishedError(f"shard {index}: terminated; run it again") from None


def _take(folder: Folder, part: Part, lease: Lease) -> bool:
    """Take the shard; False when it is done. Raises UnfinishedError when somebody works on it."""
    first = None
    while not exists(folder.output(part)):
        if lease.take():
            if not exists(folder.output(part)):
                return True
            lease.release()
            return False
        holder = lease.holder()
        first = first or holder
        if holder and first and holder.seen != first.seen:
            who = f"process {holder.pid} on {holder.host}"
            raise UnfinishedError(f"shard {part.index} is being run by {who}")
        time.sleep(_LOOK)
    return False


def _run(job: Job, folder: Folder, part: Part, lease: Lease) -> Record:
    command = job.args.texts("<command>")

    def left_behind() -> None:
        job.console.warning(
            f"shard {part.index}: {command[0]} has ended, and what it left behind can print "
            "nothing more: 'wait' for it in the command, or give it another output"
        )

    folder.clear(part)
    file = unique_part_path(folder.path / f"shard.{part.index:04d}")
    try:
        with folder.open_input(part) as records:
            process = start(command, records)
        with lease.kept() as lost:
            status = wait(process, file, lost, left_behind)
            found = results_of(file)
            if not found.are_whole(status):
                return _not_done(folder.record(part), found, command[0], status)
            lease.renew()
            folder.publish(file, part)
        return _told(folder, part, "done")
    finally:
        with suppress(OSError):
            file.unlink()


def _not_done(record: Record, found: Results, command: str, status: int) -> Record:
    name = f"shard {record['id']}"
    if status in (DONE, UNFINISHED) and found.left:
        raise UnfinishedError(
            f"{name}: {command} reached its bound, "
            f"{counted(found.left, 'record is', 'records are')} left; run it again"
        )
    crash = _crash(status)
    if crash is not None:
        message = f"{name}: {command} crashed with {crash}, the shard is not done"
        return failed(record, XNATCtlError(message))
    if status in _STOPPED or status < 0:
        raise UnfinishedError(f"{name}: {command} was stopped; run it again")
    message = f"{name}: {command} failed with status {status}, the shard is not done"
    return _with_status(failed(record, XNATCtlError(message)), status or GENERAL)


def _crash(status: int) -> str | None:
    """The name of the signal by which a command has ended itself."""
    return next((name for name in _CRASHES if -status == getattr(signal, name, None)), None)


def _told(folder: Folder, part: Part, outcome: str) -> Record:
    """The record of a shard that is done, now or before."""
    found = results_of(folder.output(part))
    record = folder.record(part, failed=found.failed, output=str(folder.output(part)))
    if not found.failed:
        return done(record) if outcome == "done" else skipped(record)
    message = (
        f"shard {part.index}: {counted(found.failed, 'record')} failed "
        "('xnat-shard collect --again')"
    )
    return _with_status(failed(record, XNATCtlError(message)), found.status)


def _with_status(record: Record, status: int) -> Record:
    record["error"]["exit_status"] = status
    return record
