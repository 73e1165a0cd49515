"""List resources.

Usage:
  xnat-ls resources [options] [<session>] [<resource>]...

Resources of a session, or with --scan of one of its scans; without a session, those of the
project (-P) or of the subject (-S in it) themselves. When none of these is given, records of
sessions, scans, subjects, projects or resources are read from standard input. <resource> are
labels, or the number of one without a label: only these are listed, and each must exist.

Options:
  -E --experiment=<name>  Session, instead of the first argument.
  -P --project=<id>       Project; for a session or subject, else the default one of the profile.
  -S --subject=<name>     Subject (label or accession ID) in the project.
  --scan=<id>             Resources of this scan; records must be of sessions then.
  --all                   Also those of all scans and assessors of the session.
  -l --long               Tell also the first twenty files (files, files_truncated, total_files).
  -w --workers=<n>        How many requests at once.

Examples:
  xnat-ls resources -P NEURO NEURO_01_MR1 --all
  xnat-ls sessions -P NEURO | xnat-ls resources --all --where label=DICOM
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from xnat_ls.objects import in_order
from xnat_ls.owners import Asked, home_of, no_resource

if TYPE_CHECKING:
    from xnat_core.client import XNATClient
    from xnat_core.job import Job
    from xnat_core.models import Resource
    from xnat_core.records import Record

SHOWN_FILES = 20


def work(job: Job) -> Iterator[Record]:
    """A record per resource."""
    from xnat_core.models import Resource
    from xnat_core.services.resources import found_again, resources_of

    asked = Asked.of(job)
    everything, long = job.args.flag("--all"), job.args.flag("--long")

    def record_of(client: XNATClient, resource: Resource) -> Record:
        record = resource.to_record(client.base_url)
        return {**record, **_files(client, resource)} if long else record

    def look(record: Record) -> Iterable[Record]:
        client = job.client(record)
        if record["kind"] == "resource":
            resource = Resource.from_record(record)
            if asked.wants(resource.label, resource.id):
                yield record_of(client, found_again(client, resource))
            return
        home = home_of(client, record, asked.scan)
        found = resources_of(client, home, everything=everything)
        for resource in found:
            if asked.wants(resource.label, resource.id):
                yield record_of(client, resource)
        present = {resource.label or resource.id for resource in found}
        for label in (label for label in asked.labels if label not in present):
            yield no_resource(client, home, label)

    job.layout = "facts" if long and asked.session and len(asked.labels) == 1 else job.layout
    yield from in_order(job, look, asked.records(job))


def _files(client: XNATClient, resource: Resource) -> Record:
    from xnat_core.services.resource_files import files_of_resource
    from xnat_core.writers import natural

    paths = sorted((file.path for file in files_of_resource(client, resource)), key=natural)
    return {
        "files": paths[:SHOWN_FILES],
        "files_truncated": len(paths) > SHOWN_FILES,
        "total_files": len(paths),
    }
