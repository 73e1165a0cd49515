"""Delete resources with their files.

Usage:
  xnat-edit delete resource [options] [<label>]...

Options:
  -P --project=<id>       Project; for a session or subject, else the default one of the profile.
  -S --subject=<name>     Subject (label or accession ID) in the project.
  -E --experiment=<name>  Session: accession ID, or with a project its label.
  --scan=<id>             Scan of the session.
  --keep-files            Leave the files on the server's disk.
  -y --yes                Do not ask.
  --dry-run               Say what would be deleted, and delete nothing.
  -w --workers=<n>        How many at once.

The labels are those of the innermost object that the options name. Without a label, resource
records are read from standard input. The files that would go are counted and told before the
question.

Examples:
  xnat-edit delete resource -P NEURO -E NEURO_01_MR1 --scan 1 SNAPSHOTS --dry-run
  xnat-ls sessions -P NEURO | xnat-ls resources --all --where label=TMP | xnat-edit delete --yes
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from xnat_core.errors import ResourceNotFoundError, UsageError
from xnat_core.job import Job
from xnat_core.records import Record
from xnat_edit import delete
from xnat_edit.objects import each_label, named, words


def work(job: Job) -> Iterator[Record]:
    """A record per resource that is gone."""
    labels, owner = words(job, "<label>"), named(job)
    if not labels:
        if owner is not None:
            raise UsageError("which resources? name their labels")
        yield from delete.work(job, "resource")
        return
    if owner is None:
        raise UsageError("resources of what? -E SESSION, -S SUBJECT or -P PROJECT")
    from xnat_edit.removal import remove_named
    from xnat_edit.removals import look

    if len(labels) > 1 and owner["kind"] in ("project", "subject"):
        _require_no_session(job, labels[0], owner)
    yield from remove_named(job, look, each_label(owner, dict.fromkeys(labels), "resource"))


def _require_no_session(job: Job, word: str, owner: Record) -> None:
    # 'resource list' and 'download' take SESSION LABEL: in that order of words, the resource of
    # the project or subject that has LABEL by chance would go.
    from xnat_core.services.lookup import find_session

    with suppress(ResourceNotFoundError):
        find_session(job.client(), word, owner.get("project") or owner.get("id"))
        raise UsageError(f"{word!r} is a session: -E {word} names the session of a resource")
