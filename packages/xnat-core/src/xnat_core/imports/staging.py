"""Rows of the prearchive on their way: waited for, and built when all has come."""

from __future__ import annotations

import time

from xnat_core.errors import ClientRequestError, ResourceNotFoundError
from xnat_core.models import PrearchiveEntry
from xnat_core.prearchive import FIRST_LOOK, Prearchive, StagingError, is_settled

RECEIVING = "RECEIVING"


def is_in_motion(status: str | None) -> bool:
    """Whether something is being done to a row; one that waits for more files is at rest."""
    return not is_settled(status) and not (status or "").startswith(RECEIVING)


def at_rest(
    prearchive: Prearchive, entry: PrearchiveEntry, patience: float
) -> PrearchiveEntry | None:
    """The row when nothing is done to it, built; None when it has left the prearchive.

    One that could not be built is returned in its ERROR. Raises WaitedTooLong after `patience`
    seconds.
    """
    found: PrearchiveEntry | None = entry
    while found is not None and not is_settled(found.status):
        if (found.status or "").startswith(RECEIVING):
            try:
                return prearchive.build(found)
            except StagingError as error:
                return error.entry
            except ResourceNotFoundError:
                return None
            except ClientRequestError:
                # Locked: somebody else has just begun to do something to it.
                time.sleep(FIRST_LOOK)
        found = prearchive.wait(found, patience, until=lambda status: not is_in_motion(status))
    return found
