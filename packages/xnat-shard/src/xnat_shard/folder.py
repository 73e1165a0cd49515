"""The folder of a plan.

plan.json                  what there is to do; written last, and all at once
shard.0003.DIGEST.in       the records of a shard
shard.0003.DIGEST.out      its results; it is there when the shard is done, and never before
shard.0003.lease/          who runs it
.plan.PROCESS.part/        what a plan writes before it is whole, and a lease of who makes it

The digest is that of the records, so results are never taken for those of another plan, and shards
that stay the same when a plan is made again stay done.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import blake2b, sha256
from pathlib import Path
from shutil import rmtree
from typing import IO, Any

from xnat_core.errors import OperationError, UsageError
from xnat_core.files import atomic_write, sync_directory, unique_part_path
from xnat_core.leases import SECONDS, Lease
from xnat_core.models import Shard
from xnat_core.records import Record, RecordError, parse_line, read_lines

PLAN = "plan.json"
_LEASE = "lease"
_MODULO = 1 << 128


def digest_of(lines: Iterable[bytes]) -> int:
    """What adds up, over all lines of a shard, to its digest."""
    # A sum, because the order of the records is no part of what they are.
    return sum(int.from_bytes(blake2b(line, digest_size=16).digest(), "big") for line in lines)


def written(digest: int) -> str:
    """A digest as files have it."""
    return f"{digest % _MODULO:032x}"


@dataclass(frozen=True)
class Part:
    """One shard: how many records and bytes, and the digest of its records."""

    index: int
    records: int
    size: int
    digest: str

    @property
    def stem(self) -> str:
        """The beginning of its file names."""
        return f"shard.{self.index:04d}.{self.digest[:16]}"


@dataclass(frozen=True)
class Plan:
    """All shards of a folder."""

    parts: tuple[Part, ...]

    @property
    def digest(self) -> str:
        """The same for the same records in the same number of shards, whatever their order."""
        return sha256("".join(f"{part.digest}\n" for part in self.parts).encode()).hexdigest()

    def part(self, index: int) -> Part:
        """One of them. Raises UsageError when there is none of that index."""
        if not 0 <= index < len(self.parts):
            raise UsageError(f"shard {index}: the plan has the shards 0 to {len(self.parts) - 1}")
        return self.parts[index]


class Folder:
    """The files of a plan."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Plan:
        """The plan. Raises UsageError when there is none."""
        file = self.path / PLAN
        try:
            facts = json.loads(file.read_bytes())
            entries = enumerate(facts["shards"])
            parts = (Part(i, e["records"], e["size"], e["digest"]) for i, e in entries)
            plan = Plan(tuple(parts))
            sums = [sum(part.records for part in plan.parts), sum(part.size for part in plan.parts)]
            intact = [plan.digest, *sums] == [facts[key] for key in ("digest", "records", "size")]
        except FileNotFoundError:
            raise UsageError(f"{file} does not exist: 'xnat-shard plan' makes it") from None
        except (ValueError, KeyError, TypeError):
            intact = False
        if not intact:
            raise OperationError(
                "read", f"{file} is no plan of xnat-shard, or was changed: make it anew"
            )
        return plan

    def write(self, plan: Plan) -> None:
        """Make this the plan; the records of one before it go."""
        facts = {
            "digest": plan.digest,
            "records": sum(part.records for part in plan.parts),
            "size": sum(part.size for part in plan.parts),
            "shards": [
                {"id": p.index, "records": p.records, "size": p.size, "digest": p.digest}
                for p in plan.parts
            ],
        }
        with atomic_write(self.path / PLAN, sync=True) as file:
            file.write(json.dumps(facts, indent=1).encode() + b"\n")
        wanted = {self.input(part) for part in plan.parts}
        for path in self.path.glob("shard.*.in"):
            if path not in wanted:
                path.unlink()

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        """A folder for what is written before a plan is whole; those of plans that were killed go.

        Raises OperationError.
        """
        for left in self.path.glob(".plan.*.part"):
            with suppress(OSError):
                if Lease(left / _LEASE).take():
                    rmtree(left)
        place = unique_part_path(self.path / "plan")
        lease = Lease(place / _LEASE)
        if not lease.take():
            raise OperationError("plan", f"{place}: another plan has removed it: try again")
        try:
            with lease.kept():
                yield place
        finally:
            rmtree(place, ignore_errors=True)

    def input(self, part: Part) -> Path:
        """The records of a shard."""
        return self.path / f"{part.stem}.in"

    def open_input(self, part: Part) -> IO[bytes]:
        """The records of a shard. Raises OperationError when they are not those of the plan."""
        path = self.input(part)
        try:
            with path.open("rb") as file:
                found = written(digest_of(file))
            if found == part.digest:
                # Anew: what a command inherits begins where the descriptor stands.
                return path.open("rb")
            reason = "not the records of the plan"
        except OSError as error:
            reason = str(error.strerror)
        # A copy that was cut short, for one: the shard would be done without the rest.
        raise OperationError("read", f"{path}: {reason}: plan again")

    def output(self, part: Part) -> Path:
        """The results of a shard that is done."""
        return self.path / f"{part.stem}.out"

    def lease(self, part: Part, seconds: float = SECONDS) -> Lease:
        """The right to run a shard."""
        return Lease(self.path / f"shard.{part.index:04d}.lease", seconds)

    def publish(self, part_file: Path, part: Part) -> None:
        """Make a file the results of a shard, once the disk has it."""
        descriptor = os.open(part_file, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        part_file.replace(self.output(part))
        sync_directory(self.path)

    def clear(self, part: Part) -> None:
        """Remove what runs of this shard that were killed have left; only who holds it may."""
        for path in self.path.glob(f".shard.{part.index:04d}.*.part"):
            with suppress(OSError):
                path.unlink()

    def record(self, part: Part, **facts: Any) -> Record:
        """What is said of a shard."""
        return Shard(
            id=str(part.index),
            path=str(self.input(part)),
            digest=part.digest,
            records=part.records,
            size=part.size,
            **facts,
        ).to_record()


def records_in(path: Path) -> Iterator[Record | RecordError]:
    """The records of a file, and an error for each line that is none."""
    with path.open("rb") as file:
        for number, line in read_lines(file):
            try:
                record = parse_line(number, line, str(path))
            except RecordError as error:
                yield error
            else:
                if record is not None:
                    yield record
