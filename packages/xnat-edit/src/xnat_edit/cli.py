"""Change what XNAT holds: create, rename, merge, move, share, set, delete.

Usage:
  xnat-edit <command> [options]

Commands:
  create project   Make projects.
  create subject   Make subjects.
  create session   Make empty sessions.
  create resource  Make empty resources of projects, subjects, sessions or scans.
  rename subject   Give subjects other labels: one, by a list, or by a pattern.
  rename session   The same for sessions.
  merge subject    Move all sessions of subjects to another one, and delete the empty ones.
  move             Give sessions to another subject.
  share            Show sessions and subjects in another project as well, or move them there.
  unshare          Take sessions and subjects out of a project they are shared into.
  set              Set fields: quality, note, custom variables, any other.
  delete           Delete what the records on standard input name.
  delete project   Delete projects with all that is in them.
  delete subject   Delete subjects.
  delete session   Delete sessions.
  delete scans     Delete scans of a session.
  delete resource  Delete resources with their files.
  delete file      Delete single files of a resource.

Objects are named on the command line, or come as records on standard input. Every change is read
back from the server. 'xnat-edit <command> --help' explains each; all have --dry-run.

Examples:
  xnat-edit rename subject -P NEURO --pattern 'sub-(\\d+)' --to 'NEURO_{1}' --dry-run
  xnat-ls scans -P NEURO --where quality=unusable | xnat-edit delete --yes
"""

from __future__ import annotations

from collections.abc import Sequence

from xnat_core.run import Command, run
from xnat_edit import __version__

_SUBJECT = ("project", "label", "id", "outcome")
_SESSION = ("project", "subject", "label", "id", "outcome")
_SCAN = ("session", "id", "type", "quality", "outcome")
_RESOURCE = ("project", "subject", "session", "scan", "label", "outcome")
_FILE = ("session", "scan", "resource", "path", "outcome")
_ANY = ("kind", "project", "subject", "session", "label", "id", "outcome")

COMMANDS = {
    "create project": Command("xnat_edit.create_project", columns=("id", "name", "outcome")),
    "create subject": Command("xnat_edit.create_subject", columns=_SUBJECT),
    "create session": Command("xnat_edit.create_session", columns=_SESSION),
    "create resource": Command("xnat_edit.create_resource", columns=_RESOURCE, identifier="label"),
    "rename subject": Command(
        "xnat_edit.rename_subject",
        changes=True,
        columns=("project", "id", "old_label", "label", "outcome", "reason"),
        identifier="label",
    ),
    "rename session": Command(
        "xnat_edit.rename_session",
        changes=True,
        columns=("project", "id", "old_label", "label", "outcome", "reason"),
        identifier="label",
    ),
    "merge subject": Command(
        "xnat_edit.merge_subject",
        changes=True,
        columns=("project", "label", "merged_into", "sessions"),
    ),
    "move": Command("xnat_edit.move", changes=True, columns=_SESSION),
    "share": Command("xnat_edit.share", changes=True, columns=(*_ANY, "shared_into")),
    "unshare": Command("xnat_edit.unshare", changes=True, columns=(*_ANY, "unshared_from")),
    "set": Command("xnat_edit.set", changes=True, columns=_ANY),
    "delete": Command("xnat_edit.delete", changes=True, columns=_ANY),
    "delete project": Command(
        "xnat_edit.delete_project",
        changes=True,
        columns=("id", "name", "subjects", "sessions", "files", "outcome"),
    ),
    "delete subject": Command(
        "xnat_edit.delete_subject",
        changes=True,
        columns=("project", "label", "id", "sessions", "files", "outcome"),
    ),
    "delete session": Command(
        "xnat_edit.delete_session", changes=True, columns=(*_SESSION, "scans", "files")
    ),
    "delete scans": Command(
        "xnat_edit.delete_scans",
        changes=True,
        columns=(*_SCAN, "files"),
        aliases={
            "--session": ("--experiment",),
            "--no-parallel": ("--workers=1",),
            "--parallel": (),
        },
    ),
    "delete resource": Command(
        "xnat_edit.delete_resource", changes=True, columns=(*_RESOURCE, "files"), identifier="label"
    ),
    "delete file": Command("xnat_edit.delete_file", changes=True, columns=_FILE, identifier="path"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run xnat-edit."""
    return run("xnat-edit", __version__, __doc__, COMMANDS, argv)
