"""The sessions that wait in the prearchive.

Usage:
  xnat-prearchive list [options]

Options:
  -P --project=<id>   Only those of this project; else of all projects that you can edit.
  --study=<uid>       Only those of this study instance UID.

Status is READY, CONFLICT or ERROR when nothing is being done to a session, RECEIVING while files
arrive. Who may see all data sees those of 'Unassigned' without -P, or alone with -P Unassigned.

Examples:
  xnat-prearchive list
  xnat-prearchive list -P NEURO --where status=READY | xnat-prearchive archive
"""

from __future__ import annotations

from collections.abc import Iterator

from xnat_core.job import Job
from xnat_core.prearchive import Prearchive
from xnat_core.records import Record
from xnat_core.services.projects import ProjectService


def work(job: Job) -> Iterator[Record]:
    """A record per row."""
    client = job.client()
    project = job.args.text("--project")
    entries = Prearchive(client).entries(project, study_uid=job.args.text("--study"))
    if project and not entries:
        # The server answers an unknown project with an empty list.
        ProjectService(client).get(project)
    for entry in entries:
        yield entry.to_record(client.base_url)
