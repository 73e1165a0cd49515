"""Split the records of standard input into shards of equal bytes.

Usage:
  xnat-shard plan [options] <dir>

Options:
  -n --shards=<n>       How many shards.

A record counts by its 'size' or 'file_size', one without by its 'file_count', and one with neither
like the average. Which record goes where depends on the records alone, not on their order, and
changes little when some are added. Planning again in the same folder keeps the results of every
shard whose records are the same. Failed and planned records, and those that a bound like
--max-items has left, are handed on, not planned.

Prints a record per shard. 'plan.json' in the folder holds the digest of the plan.

Example:
  xnat-ls scans -P NEURO --long | xnat-shard plan ./plan --shards 8
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from xnat_core.errors import UsageError
from xnat_core.job import Job
from xnat_core.records import Record, done
from xnat_core.user_paths import expanded
from xnat_core.wording import counted
from xnat_shard.balance import UNKNOWN, assign, weights
from xnat_shard.folder import Folder, Part, Plan, digest_of, written

MOST_SHARDS = 10_000
_BUFFERED = 32 << 20


def work(job: Job) -> Iterator[Record]:
    """A record per shard."""
    shards = job.args.whole("--shards", least=1)
    if shards is None or shards > MOST_SHARDS:
        raise UsageError(f"--shards is needed: how many, at most {MOST_SHARDS}")
    folder = Folder(expanded(job.args.required("<dir>")))
    folder.path.mkdir(parents=True, exist_ok=True)
    with folder.workspace() as place:
        spool = place / "records"
        with spool.open("wb") as file:
            measured = _measure(job.records(), file)
        loads = weights(measured.sizes, measured.counts)
        plan = _write(folder, spool, measured, assign(loads, measured.hashes, shards), shards)
    folder.write(plan)
    job.console.info(
        f"{counted(measured.count, 'record')} in {counted(shards, 'shard')}: --array=0-{shards - 1}"
    )
    for part in plan.parts:
        yield done(folder.record(part))


@dataclass
class _Measured:
    """What has to be remembered of each record: 24 bytes, so that a million are little."""

    sizes: array[int] = field(default_factory=lambda: array("q"))
    counts: array[int] = field(default_factory=lambda: array("q"))
    hashes: array[int] = field(default_factory=lambda: array("Q"))

    @property
    def count(self) -> int:
        """How many records."""
        return len(self.sizes)


def _measure(records: Iterator[Record], spool: BinaryIO) -> _Measured:
    found = _Measured()
    for record in records:
        line = orjson.dumps(record)
        spool.write(line + b"\n")
        found.sizes.append(_number(record.get("size", record.get("file_size"))))
        found.counts.append(_number(record.get("file_count")))
        name = record.get("uri") or record.get("path")
        named = line if name is None else str(name).encode("utf-8", "surrogatepass")
        found.hashes.append(int.from_bytes(blake2b(named, digest_size=8).digest(), "big"))
    return found


def _number(value: Any) -> int:
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 62
    return value if fits else UNKNOWN


@dataclass
class _Pile:
    """A shard that is being written."""

    path: Path
    lines: list[bytes] = field(default_factory=list)
    records: int = 0
    size: int = 0
    digest: int = 0

    def add(self, line: bytes, size: int) -> None:
        self.lines.append(line)
        self.records += 1
        self.size += max(0, size)
        self.digest += digest_of((line,))

    def flush(self) -> None:
        # Opened for each flush: there may be more shards than files that can be open.
        with self.path.open("ab") as file:
            file.writelines(self.lines)
        self.lines.clear()

    def part(self, index: int) -> Part:
        return Part(index, self.records, self.size, written(self.digest))


def _write(
    folder: Folder, spool: Path, measured: _Measured, where: array[int], shards: int
) -> Plan:
    """Hand the lines out to the files of the shards."""
    piles = [_Pile(spool.with_name(f"{index:04d}")) for index in range(shards)]
    buffered = 0
    with spool.open("rb") as lines:
        for line, shard, size in zip(lines, where, measured.sizes, strict=True):
            piles[shard].add(line, size)
            buffered += len(line)
            if buffered > _BUFFERED:
                buffered = 0
                for pile in piles:
                    pile.flush()
    return Plan(tuple(_finish(folder, pile, index) for index, pile in enumerate(piles)))


def _finish(folder: Folder, pile: _Pile, index: int) -> Part:
    pile.flush()
    part = pile.part(index)
    with pile.path.open("rb") as file:
        os.fsync(file.fileno())
    pile.path.replace(folder.input(part))
    return part
