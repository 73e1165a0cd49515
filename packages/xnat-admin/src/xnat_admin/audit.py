"""Who changed what, and when.

Usage:
  xnat-admin audit [options] [-]

Options:
  -P --project=<id>       Of this project, its subjects and sessions.
  -E --experiment=<name>  Of this session: accession ID, or with a project its label.
  -u --user=<name>        Only what this user did.
  --action=<text>         Only actions with this text in them, in any case: delete, upload …
  --since=<when>          Not older than an age (7d, 12h, 2w) or a date (2024-05-02).
  --limit=<n>             The newest, at most; 50 when not given.
  -w --workers=<n>        How many histories are read at once.

XNAT has no audit of the whole server. Where its search engine finds workflow rows, these are told,
also those of what was deleted since; otherwise the histories of a project, its subjects and
sessions are read one by one. Without -P and -E the whole server is searched, and where it does not
let itself be searched, the message says so. With '-', records of projects, subjects and sessions
are read from standard input, and the histories of just these are told. All filters are applied
here. Times with a zone are exact, others are in the zone of the server.

Examples:
  xnat-admin audit -P NEURO --since 7d --action delete
  xnat-ls sessions -P NEURO --where note~odd | xnat-admin audit - --user alice
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from xnat_core.job import Job
from xnat_core.records import Record

if TYPE_CHECKING:
    from xnat_admin.events import Item
    from xnat_core.client import XNATClient
    from xnat_core.models import Event

MOST = 50


def work(job: Job) -> Iterator[Record]:
    """A record per event, the newest first."""
    from xnat_admin.events import Wanted, newest, since

    args = job.args
    limit = args.whole("--limit", least=0)
    begin = args.text("--since")
    wanted = Wanted(args.text("--user"), args.text("--action"), since(begin) if begin else None)
    found: list[Event] = []
    yield from _failures(job, found)
    client = job.client()
    for event in newest(found, wanted, MOST if limit is None else limit):
        yield event.to_record(client.base_url)


def _failures(job: Job, found: list[Event]) -> Iterator[Record]:
    """Gather the events; what is yielded is what could not be read."""
    from xnat_admin.events import Item, items_of, of_item, of_server
    from xnat_core.errors import OperationError
    from xnat_core.services.lookup import find_session

    def read(item: Item) -> Iterable[Record]:
        found.extend(of_item(job.client(), item))
        return []

    if job.args.flag("-"):
        records = job.records("project", "subject", "session")
        yield from job.each(lambda record: read(_item(job.client(record), record)), records)
        return
    client, project = job.client(), job.args.text("--project")
    if name := job.args.text("--experiment"):
        session = find_session(client, name, project or job.project())
        read(Item(session.xsi_type or "", session.id, session.label, session.project))
        return
    if not project:
        found.extend(of_server(client))
        return
    try:
        found.extend(of_server(client, project))
    except OperationError as error:
        job.console.info(f"{error.message.partition(':')[0]}: reading the histories one by one")
    if not found:
        yield from job.each(read, items_of(client, project))


def _item(client: XNATClient, record: Record) -> Item:
    from xnat_admin.events import Item
    from xnat_core.services.by_id import session_meant, subject_meant
    from xnat_core.services.projects import ProjectService

    names, project = (record.get("id"), record.get("label")), record.get("project")
    if record["kind"] == "project":
        identifier = ProjectService(client).get(str(names[0] or names[1] or "")).id
        return Item("xnat:projectData", identifier, identifier, identifier)
    if record["kind"] == "subject":
        subject = subject_meant(client, *names, project)
        return Item("xnat:subjectData", subject.id, subject.label, subject.project)
    session = session_meant(client, *names, project)
    return Item(session.xsi_type or "", session.id, session.label, session.project)
