"""Make projects.

Usage:
  xnat-edit create project [options] [<project>]

Options:
  --name=<text>            Title; else the ID.
  --description=<text>     Description.
  --keywords=<text>        Keywords.
  --pi=<name>              Last name of the principal investigator.
  --accessibility=<level>  private, protected or public; private when not given.
  --dry-run                Say what would be made, and make nothing.
  -w --workers=<n>         How many at once.

Without a name, project records are read from standard input: their ID, name, description and
keywords are taken. A project that exists already is an error; the server would change it.

Example:
  xnat-edit create project NEURO --name 'Neuro study' --pi Curie
"""

from __future__ import annotations

from collections.abc import Iterator

from xnat_core.job import Job
from xnat_core.records import Record, done, planned


def work(job: Job) -> Iterator[Record]:
    """A record per project."""
    from xnat_core.errors import ResourceExistsError, ResourceNotFoundError
    from xnat_core.services.projects import ACCESSIBILITY, ProjectService
    from xnat_core.validation import validate_project_id
    from xnat_edit.creating import Names, created, fresh, require_stored

    level = job.args.choice("--accessibility", ACCESSIBILITY) or "private"
    name = job.args.text("<project>")
    identifiers = [] if name in (None, "-") else [validate_project_id(str(name))]
    names = Names()

    def make(record: Record) -> Record:
        client = job.client(record)
        service = ProjectService(client)
        project = validate_project_id(str(record.get("id") or record.get("label") or ""))
        wanted = {
            "name": record.get("name"),
            "description": record.get("description"),
            "keywords": record.get("keywords"),
            "pi_lastname": job.args.text("--pi"),
        }
        known = {"kind": "project", "server": client.base_url, "id": project}
        known = {**known, **fresh(record, "kind", "server", "label"), "accessibility": level}
        with names.taken("project", project):
            try:
                raise ResourceExistsError("project", service.get(project).id)
            except ResourceNotFoundError:
                pass
            if job.args.flag("--dry-run"):
                return planned(known)
            service.create(project, accessibility=level, **wanted)
        found = service.describe(project)
        require_stored(f"project {project!r}", found, {**wanted, "accessibility": level})
        return done({**known, **found.to_record(client.base_url)})

    options = ("--name", "--description", "--keywords")
    given = {option.removeprefix("--"): job.args.text(option) for option in options}
    yield from created(job, "project", identifiers, given, make)
