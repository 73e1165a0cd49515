"""What one run of a tool in this process gave."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Record = dict[str, Any]


@dataclass
class Answer:
    """What one run gave: status, standard output, standard error."""

    status: int
    out: str
    err: str

    @property
    def records(self) -> list[Record]:
        """The lines of ndjson."""
        return [json.loads(line) for line in self.out.splitlines()]

    def values(self, *keys: str) -> list[Any]:
        """One value of each record, or a tuple of several."""
        if len(keys) == 1:
            return [record.get(keys[0]) for record in self.records]
        return [tuple(record.get(key) for key in keys) for record in self.records]


Run = Callable[..., Answer]
