"""List files.

Usage:
  xnat-ls files [options] [<session>] [<resource>]...

All files of a session, those of its scans included, from one request; or with --scan those of a
scan. Without a session, those of the resources of the project (-P) or of the subject (-S in it)
themselves. When none of these is given, records of sessions, scans, resources, subjects or projects
are read from standard input. <resource> are labels, or the number of one without a label: only
files of these are listed.

Options:
  -E --experiment=<name>  Session, instead of the first argument.
  -P --project=<id>       Project.
  -S --subject=<name>     Subject (label or accession ID) in the project.
  --scan=<id>             Files of this scan.
  -w --workers=<n>        How many requests at once.

Examples:
  xnat-ls files -P NEURO NEURO_01_MR1 NIFTI
  xnat-ls scans -E XNAT_E00042 --where type~T1 | xnat-ls files --where resource=DICOM
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from xnat_ls.objects import in_order, one_by_one
from xnat_ls.owners import Asked, home_of, no_resource

if TYPE_CHECKING:
    from xnat_core.job import Job
    from xnat_core.models import ResourceFile
    from xnat_core.records import Record


def work(job: Job) -> Iterator[Record]:
    """A record per file, as the server lists them."""
    from xnat_core.models import Resource
    from xnat_core.services.resource_files import files_of, files_of_resource
    from xnat_core.services.resources import resources_of

    asked = Asked.of(job)

    def look(record: Record) -> Iterable[Record]:
        client = job.client(record)
        if record["kind"] == "resource":
            found = files_of_resource(client, Resource.from_record(record))
            yield from (file.to_record(client.base_url) for file in found)
            return
        home = home_of(client, record, asked.scan)
        missing = set(asked.labels)
        for file in files_of(client, home):
            name = file.collection or _number(file)
            if not asked.labels or name in asked.labels:
                missing.discard(str(name))
                yield file.to_record(client.base_url)
        if missing:
            present = resources_of(client, home, everything=True)
            missing -= {one.label or str(one.id) for one in present}
        for label in sorted(missing):
            yield no_resource(client, home, label)

    records = asked.records(job)
    # What was named is one object: its files are written as they come, however many they are.
    yield from one_by_one(look, records) if asked.named else in_order(job, look, records)


def _number(file: ResourceFile) -> str:
    """What the server calls the resource of a file that has no label."""
    return (file.uri or "").partition("/resources/")[2].partition("/")[0]
