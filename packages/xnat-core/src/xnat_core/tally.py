"""What came of the records of one run, and the exit status that follows."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from xnat_core.bounds import is_left
from xnat_core.errors import DONE, GENERAL, UNFINISHED
from xnat_core.wording import counted

_SUMMED = ("files", "bytes")
IN_SHARD = "XNATCTL_IN_SHARD"
"""Set in the environment of the command of a shard, whose output may not show what is left."""


class Tally:
    """Counts outcomes and remembers the reasons of failures."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.left = 0
        self._reasons: set[int] = set()
        self._sums: Counter[str] = Counter()
        self._begun = time.monotonic()

    def count(self, record: Mapping[str, Any]) -> None:
        """Take one written or passed record into account."""
        outcome = record.get("outcome")
        if outcome is None:
            return
        self.outcomes[str(outcome)] += 1
        self.left += is_left(record)
        if outcome == "failed":
            error = record.get("error")
            status = error.get("exit_status") if isinstance(error, Mapping) else None
            self._reasons.add(status if isinstance(status, int) and 0 < status < 126 else GENERAL)
        elif outcome == "done":
            for key in _SUMMED:
                if isinstance(record.get(key), int):
                    self._sums[key] += record[key]

    def exit_status(self) -> int:
        """0, the one reason of all failures, or 1 for several reasons."""
        if not self._reasons:
            return DONE
        return next(iter(self._reasons)) if len(self._reasons) == 1 else GENERAL

    def ending(self) -> int:
        """The exit status of the run; in a shard 75 when a bound has left something of it."""
        return UNFINISHED if self.left and os.environ.get(IN_SHARD) else self.exit_status()

    @property
    def failed(self) -> int:
        """How many records failed, those of the tools before included."""
        return self.outcomes["failed"]

    def is_one_plain_success(self) -> bool:
        """Whether all there is to tell is that one thing was done."""
        return dict(self.outcomes) == {"done": 1} and not self._sums

    def summary(self) -> str | None:
        """`3 done, 1 failed; 40 files, 12.3 MB in 4.2 s`, or None when nothing was acted on."""
        order = ("done", "skipped", "planned", "failed")
        counts = [f"{self.outcomes[name]} {name}" for name in order if self.outcomes[name]]
        if not counts:
            return None
        seconds = time.monotonic() - self._begun
        amounts = []
        if self._sums["files"]:
            amounts.append(counted(self._sums["files"], "file"))
        if self._sums["bytes"]:
            amounts.append(size_text(self._sums["bytes"]))
        moved = f"; {', '.join(amounts)}" if amounts else ""
        return f"{', '.join(counts)}{moved} in {seconds:.1f} s"


def size_text(count: float) -> str:
    """Bytes as a person reads them, in powers of ten."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
