"""Delete PATH.

Usage:
  xnat-rest delete [options] [--params=<pair>]... <path>

Options:
  --params=<pair>   KEY=VALUE of the query. Repeatable.
  -y --yes          Do not ask.
  --dry-run         Say what would be deleted, and delete nothing.

The path is sent as it is. Below '/data/projects/P/experiments/E' the server does not know scans and
takes such a path for the session itself; so this is refused: use '/data/experiments/ID/scans/N'.
Likewise sessions below '/data/subjects/S', scans without a session, and whatever is misspelled:
'/data/projects/P/subject/S'; and the share ('…/projects/P') of the project that owns a thing, for
which the server would delete the thing; and a file of a resource that others begin like ('a' and
'ab.txt'), which would go with it, unless there is a star at its end. 'xnat-edit delete' knows such
things.

Example:
  xnat-rest delete /data/experiments/XNAT_E00001/scans/4 --yes
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from xnat_core.errors import OperationError, UsageError
from xnat_core.job import Job
from xnat_core.records import Record, planned
from xnat_rest.answers import show
from xnat_rest.requests import pairs, target
from xnat_rest.routes import aims_at_parent, file_of, share_of

if TYPE_CHECKING:
    from xnat_core.client import XNATClient


def work(job: Job) -> Iterator[Record]:
    """Ask, send the request once, and show what the server answers."""
    path = target(job.args.required("<path>"), job.target.url)
    if aims_at_parent(path):
        raise UsageError(
            f"{path}: the server would take this for the session itself, or for the scan, subject "
            "or project before it; use /data/experiments/ID/... with the accession ID"
        )
    if share := share_of(path):
        _require_shared(job.client(), *share)
    if file := file_of(path):
        _require_alone(job.client(), *file)
    if job.args.flag("--dry-run"):
        yield planned({"kind": "request", "server": job.target.url, "uri": path})
        return
    job.confirm(f"Delete {path} on {job.target.url}?")
    yield from show(job, job.client().delete(path, params=pairs(job.args.texts("--params"))))


def _require_shared(client: XNATClient, item: str, project: str) -> None:
    """Raise UsageError for the project that owns an item: without it there would be no item.

    Raises OperationError where the server does not tell which one that is.
    """
    from xnat_core.services.base import fields
    from xnat_core.services.lookup import project_id

    owner = fields(client.item(item)).get("project")
    if not owner:
        raise OperationError("delete", f"{item}: the server does not tell whose it is")
    if owner in (project, project_id(client, project)):
        raise UsageError(
            f"{item} belongs to {owner}, and is not shared into it: the server would delete the "
            f"whole of it, which 'xnat-rest delete {item}' does"
        )


def _require_alone(client: XNATClient, files: str, name: str) -> None:
    """Raise UsageError for files beside the one, or the folder, of that name that would go, too."""
    from xnat_core.models.resource import relative_path

    # The server compares a name as it travels, and decoded as in a form.
    beginnings = {name, unquote_plus(name)}
    others = [
        found
        for row in client.iter_rows(files)
        for beginning in beginnings
        # Where a listing has no addresses the names tell, but not in which folders they are.
        if (found := relative_path(row.get("URI", "")) or row.get("Name", "")).startswith(beginning)
        and found != beginning
        and not found.startswith(f"{beginning}/")
    ]
    if others:
        raise UsageError(
            f"{files}/{name}: the server would delete {len(others)} more that begin alike, one is "
            f"{others[0]!r}; 'xnat-edit delete file' takes several, and {name}* is all of them"
        )
