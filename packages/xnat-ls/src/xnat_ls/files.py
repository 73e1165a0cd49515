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
  -P --project=<id>       Project; for a session or subject, else the default one of the profile.
  -S --subject=<name>     Subject (label or accession ID) in the project.
  --scan=<id>             Files of this scan; records must be of sessions then.
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
    from xnat_core.client import XNATClient
    from xnat_core.job import Job
    from xnat_core.models import Resource, ResourceFile
    from xnat_core.records import Record
    from xnat_core.services.homes import Home


def work(job: Job) -> Iterator[Record]:
    """A record per file, as the server lists them."""
    from xnat_core.errors import DownloadError
    from xnat_core.models import Resource
    from xnat_core.records import failed
    from xnat_core.services.resource_files import files_of, files_of_resource, require_no_files
    from xnat_core.services.resources import found_again, resources_of

    asked = Asked.of(job)

    def look(record: Record) -> Iterable[Record]:
        client = job.client(record)
        if record["kind"] == "resource":
            resource = Resource.from_record(record)
            if asked.wants(resource.label, resource.id):
                yield from of_resource(client, resource)
            return
        home = home_of(client, record, asked.scan)
        found: set[str] = set()
        for file in files_of(client, home):
            number = _number(file)
            if asked.wants(file.collection, number):
                found.add(file.collection or number)
                yield file.to_record(client.base_url)
        if not (found and found.issuperset(asked.labels)):
            yield from without_files(client, home, found)

    def without_files(client: XNATClient, home: Home, found: set[str]) -> Iterable[Record]:
        """A failure for each resource that lacks its files, and for each that is not there."""
        missing = {*asked.labels} - found
        for resource in resources_of(client, home, everything=True):
            name = resource.label or str(resource.id)
            missing.discard(name)
            if name not in found and asked.wants(resource.label, resource.id):
                try:
                    require_no_files(resource)
                except DownloadError as error:
                    yield failed(resource.to_record(client.base_url), error)
        for label in sorted(missing):
            yield no_resource(client, home, label)

    def of_resource(client: XNATClient, resource: Resource) -> Iterable[Record]:
        is_empty = True
        for file in files_of_resource(client, resource):
            is_empty = False
            yield file.to_record(client.base_url)
        if is_empty:
            require_no_files(found_again(client, resource))

    records = asked.records(job)
    # What was named is one object: its files are written as they come, however many they are.
    yield from one_by_one(look, records) if asked.named else in_order(job, look, records)


def _number(file: ResourceFile) -> str:
    """What the server calls the resource of a file that has no label."""
    return (file.uri or "").partition("/resources/")[2].partition("/")[0]
