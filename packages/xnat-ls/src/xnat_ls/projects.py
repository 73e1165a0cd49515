"""List projects.

Usage:
  xnat-ls projects [options] [<project>]...

Without a name, all projects that you may read are listed. With '-', project records are read from
standard input.

Options:
  -l --long               Tell also accessibility and how many subjects and sessions there are.
  -w --workers=<n>        How many requests at once, with --long or several names.

Examples:
  xnat-ls projects --where name~brain
  xnat-ls projects --long NEURO
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from xnat_ls.objects import arrived, in_order

if TYPE_CHECKING:
    from xnat_core.job import Job
    from xnat_core.records import Record


def work(job: Job) -> Iterator[Record]:
    """A record per project."""
    from xnat_core.services.projects import ProjectService
    from xnat_core.writers import natural

    words = job.args.texts("<project>")
    long = job.args.flag("--long")

    def look(record: Record) -> Iterable[Record]:
        client = job.client(record)
        service = ProjectService(client)
        project = service.describe(record["id"]) if long else service.get(record["id"])
        yield project.to_record(client.base_url)

    if job.wants_input(words, optional=True):
        yield from in_order(job, look, arrived(job.records("project")))
    elif words:
        job.layout = "facts" if long and len(words) == 1 else job.layout
        yield from in_order(job, look, [{"kind": "project", "id": word} for word in words])
    else:
        client = job.client()
        projects = ProjectService(client).list(accessible=False)
        projects.sort(key=lambda project: natural(project.id))
        records = (project.to_record(client.base_url) for project in projects)
        yield from in_order(job, look, records) if long else records
