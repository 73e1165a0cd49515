"""Parts of a large job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from xnat_core.models.base import Fact, Model


@dataclass(frozen=True)
class Shard(Model):
    """One part of a plan: records that one task works on."""

    kind: ClassVar[str] = "shard"
    columns: ClassVar[tuple[str, ...]] = ("id", "state", "records", "size", "failed", "host")

    id: Annotated[str, Fact("Index, from 0")] = ""
    path: Annotated[str | None, Fact("File of its records")] = None
    digest: Annotated[str | None, Fact("Digest of its records, whatever their order")] = None
    records: Annotated[int | None, Fact("Number of records")] = None
    size: Annotated[int | None, Fact("Bytes that its records stand for, as far as known")] = None
    state: Annotated[str | None, Fact("`waiting`, `running` or `done`")] = None
    failed: Annotated[int | None, Fact("Number of records that failed")] = None
    host: Annotated[str | None, Fact("Machine that runs it")] = None
    pid: Annotated[int | None, Fact("Process that runs it")] = None
    output: Annotated[str | None, Fact("File of its results")] = None
