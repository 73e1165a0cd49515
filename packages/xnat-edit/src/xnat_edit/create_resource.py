"""Make empty resources of projects, subjects, sessions or scans.

Usage:
  xnat-edit create resource [options] <label>

Options:
  -P --project=<id>       Project; for a session or subject, else the default one of the profile.
  -S --subject=<name>     Subject (label or accession ID) in the project.
  -E --experiment=<name>  Session: accession ID, or with a project its label.
  --scan=<id>             Scan of the session.
  --format=<name>         Format of the files, such as NIFTI.
  --content=<name>        What the files are, such as T1_BRAIN.
  --dry-run               Say what would be made, and make nothing.
  -w --workers=<n>        How many at once.

The resource belongs to the innermost object that the options name; without any, to each of the
projects, subjects, sessions and scans whose records are read from standard input. A resource that
exists already is an error. An upload makes the resource that it needs by itself.

Examples:
  xnat-edit create resource -P NEURO -E NEURO_01_MR1 NOTES
  xnat-ls sessions -P NEURO | xnat-edit create resource QC --format JSON
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from xnat_core.job import Job
from xnat_core.records import Record, done, planned

if TYPE_CHECKING:
    from xnat_core.client import XNATClient
    from xnat_core.services.homes import Home


def work(job: Job) -> Iterator[Record]:
    """A record per resource."""
    from xnat_core.errors import ResourceExistsError
    from xnat_core.models import Resource
    from xnat_core.services.once import ask_and_see
    from xnat_core.services.resources import made_resource, resources_of
    from xnat_core.urls import path
    from xnat_edit.creating import Names, require_stored, resource_label
    from xnat_edit.objects import asked, home_of

    label = resource_label(job.args.required("<label>"))
    wanted = {"format": job.args.text("--format"), "content": job.args.text("--content")}
    names = Names()

    def is_there(client: XNATClient, home: Home) -> bool:
        return any(one.label == label for one in resources_of(client, home))

    def make(record: Record) -> Iterable[Record]:
        client = job.client(record)
        home = home_of(client, record)
        name = f"{home.about[1]}/{label}"
        with names.taken("resource", home.path, label):
            if is_there(client, home):
                raise ResourceExistsError("resource", name)
            if job.args.flag("--dry-run"):
                known = Resource.from_row({"label": label}, **home.known, **wanted)
                return [planned(known.to_record(client.base_url))]
            where = home.path + path("resources", label)
            ask_and_see(
                lambda: client.put(where, params=wanted, about=("resource", name)),
                lambda: is_there(client, home),
            )
            found = made_resource(client, home, label)
        require_stored(f"resource {name!r}", found, wanted)
        return [done(found.to_record(client.base_url))]

    yield from job.each(make, asked(job, "project", "subject", "session", "scan"))
