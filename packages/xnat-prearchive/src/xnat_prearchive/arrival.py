"""Where a study has landed that was sent without being told where: by C-STORE."""

from __future__ import annotations

import time

from xnat_core.errors import OperationError, ResourceNotFoundError, XNATCtlError
from xnat_core.models import PrearchiveEntry, Session
from xnat_core.parallel import rest
from xnat_core.prearchive import Prearchive
from xnat_core.prearchive_looking import FIRST_LOOK, LONGEST_PAUSE
from xnat_core.records import Record
from xnat_core.services.studies import sessions_of_study


def arrived(
    record: Record, prearchive: Prearchive, patience: float
) -> list[PrearchiveEntry] | list[Session]:
    """The rows of the study of an `upload` record, or the sessions that it has become.

    Looks for `patience` seconds, in the record's project where it names one. Raises
    ResourceNotFoundError, and OperationError for a study that is in other projects only.
    """
    uid, project = record.get("uid"), record.get("project")
    if not isinstance(uid, str) or not uid:
        raise XNATCtlError("the record lacks the uid of a study, by which arrivals are found")
    deadline = time.monotonic() + patience
    pause = FIRST_LOOK
    while True:
        rows = prearchive.entries(study_uid=uid)
        if here := [row for row in rows if project in (None, row.project)]:
            return here
        sessions = sessions_of_study(prearchive.client, uid)
        if archived := [one for one in sessions if project in (None, one.project)]:
            return archived
        left = deadline - time.monotonic()
        if left <= 0:
            elsewhere = [row.id for row in rows] + [f"{s.project}/{s.label}" for s in sessions]
            if elsewhere:
                places = ", ".join(elsewhere)
                raise OperationError("wait", f"study {uid} is not in {project}, but in {places}")
            raise ResourceNotFoundError("study", uid)
        rest(min(pause, left))
        pause = min(LONGEST_PAUSE, pause * 1.5)
