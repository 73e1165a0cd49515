"""What the output of a command says about its shard."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from xnat_core.errors import UNFINISHED
from xnat_core.records import RecordError
from xnat_core.tally import Tally
from xnat_shard.folder import records_in

_ENDED = 124
"""The least status by which a shell or timeout(1) tells that a command did not end by itself."""


@dataclass(frozen=True)
class Results:
    """How many records failed and with what exit status, and how many were left for later.

    `stopped`: the command could not go on, so that records are missing.
    """

    failed: int = 0
    left: int = 0
    status: int = 0
    stopped: bool = False

    def are_whole(self, status: int) -> bool:
        """Whether a command that ended with this status has done all that it could do.

        A failure that its records explain is a result: repeating the shard would not help. No
        record explains that the command was ended before it had seen them all.
        """
        explained = status == 0 or (self.failed > 0 and not _was_ended(status))
        return explained and not self.stopped and not self.left


def _was_ended(status: int) -> bool:
    """By a signal, of which a shell makes 128 and more, by timeout(1), or by a bound of its own."""
    return status == UNFINISHED or not 0 <= status < _ENDED


def results_of(output: Path) -> Results:
    """Read a file of results, published or not."""
    tally, stopped = Tally(), False
    for record in records_in(output):
        # A command may print what it likes; what is no record counts as nothing.
        if not isinstance(record, RecordError):
            tally.count(record)
            stopped = stopped or record.get("kind") == "failure"
    return Results(tally.failed, tally.left, tally.exit_status(), stopped)
