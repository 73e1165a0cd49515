"""Delete single files of a resource.

Usage:
  xnat-edit delete file [options] [<path>]...

Options:
  -P --project=<id>       Project; for a session or subject, else the default one of the profile.
  -S --subject=<name>     Subject (label or accession ID) in the project.
  -E --experiment=<name>  Session: accession ID, or with a project its label.
  --scan=<id>             Scan of the session.
  -r --resource=<label>   Resource of the innermost object that the options name.
  --keep-files            Leave the files on the server's disk.
  -y --yes                Do not ask.
  --dry-run               Say what would be deleted, and delete nothing.
  -w --workers=<n>        How many resources at once.

<path> is the whole path in the resource. Without one, file records are read from standard input.

The server deletes every file whose path begins with the one it is asked to delete. So each resource
is listed first, and a file is refused when others would go with it; name those as well.

Examples:
  xnat-edit delete file -P NEURO -E NEURO_01_MR1 -r NOTES draft.txt --dry-run
  xnat-ls files -P NEURO -E NEURO_01_MR1 --where path~tmp$ | xnat-edit delete file --yes
"""

from __future__ import annotations

from collections.abc import Iterator

from xnat_core.errors import UsageError
from xnat_core.job import Job
from xnat_core.records import Record
from xnat_edit import delete
from xnat_edit.objects import each_label, named, words


def work(job: Job) -> Iterator[Record]:
    """A record per file that is gone."""
    paths, owner, label = words(job, "<path>"), named(job), job.args.text("--resource")
    if not paths:
        if owner is not None or label is not None:
            raise UsageError("which files? name their paths")
        yield from delete.work(job, "file")
        return
    if owner is None or not label:
        raise UsageError("files of which resource? -r RESOURCE with -E SESSION, -S or -P")
    from xnat_core.parallel import Turns
    from xnat_edit.files import Batch, remove_files
    from xnat_edit.removal import require_answer

    require_answer(job)
    places = each_label(owner, dict.fromkeys(paths), "file")
    records = [{**_at(place), "resource": label} for place in places]
    yield from remove_files(job, Batch(records), Turns())


def _at(place: Record) -> Record:
    """The label of a file is its path."""
    return {("path" if key == "label" else key): value for key, value in place.items()}
