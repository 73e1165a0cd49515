"""Delete scans of a session.

Usage:
  xnat-edit delete scans [options]

Options:
  -E --experiment=<name>  Session: accession ID, or with a project its label.
  -P --project=<id>       Project of the session; else the default project of the profile.
  -S --subject=<name>     Subject (label or accession ID) that the session must be of.
  -s --scans=<ids>        Scan IDs, separated by commas; '*' is all of them.
  --keep-files            Leave the files on the server's disk.
  -y --yes                Do not ask.
  --dry-run               Say what would be deleted, and delete nothing.
  -w --workers=<n>        How many at once.

Without -E, scan records are read from standard input. The files that would go are counted and told
before the question.

Examples:
  xnat-edit delete scans -P NEURO -E NEURO_01_MR1 -s 1,99 --dry-run
  xnat-ls scans -P NEURO --where type=localizer | xnat-edit delete scans --yes
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from xnat_core.errors import UsageError
from xnat_core.job import Job
from xnat_core.records import Record
from xnat_edit import delete
from xnat_edit.objects import named, session_of

if TYPE_CHECKING:
    from xnat_core.models import Session


def work(job: Job) -> Iterator[Record]:
    """A record per scan that is gone."""
    from xnat_core.validation import validate_scan_ids_input

    given = job.args.text("--scans")
    asked = named(job)
    if asked is None:
        if given is not None:
            raise UsageError("the scans of which session? -E SESSION")
        yield from delete.work(job, "scan")
        return
    if asked["kind"] != "session":
        raise UsageError("the scans of which session? -E SESSION")
    if given is None:
        raise UsageError("which scans? --scans 1,2,3, or --scans '*' for all of them")
    wanted = validate_scan_ids_input(given)
    from xnat_edit.removal import remove_named, require_answer
    from xnat_edit.removals import look

    require_answer(job)
    session = session_of(job.client(), asked)
    identifiers = _all(job, session) if wanted is None else list(dict.fromkeys(wanted))
    parents = {"project": session.project, "session": session.label, "session_id": session.id}
    records = [{"kind": "scan", "id": identifier, **parents} for identifier in identifiers]
    yield from remove_named(job, look, records)


def _all(job: Job, session: Session) -> list[str]:
    from xnat_core.services.scans import scans_of

    return [scan.id for scan in scans_of(job.client(), session)]
