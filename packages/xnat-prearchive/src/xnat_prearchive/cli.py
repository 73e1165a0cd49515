"""Work on the staging area of XNAT, where data waits before it is archived.

Usage:
  xnat-prearchive <command> [options]

Commands:
  list     The sessions that wait.
  wait     Wait until sessions are READY, in CONFLICT or in ERROR.
  archive  Archive sessions.
  scans    The scans of sessions.
  rebuild  Read the files of sessions anew.
  move     Give sessions to another project.
  delete   Delete sessions and their files.


A session is named PROJECT TIMESTAMP NAME, as 'list' prints them, where NAME is the folder; or
sessions come as records on standard input, and many are worked on at once.
'xnat-admin prearchive-setting' (and 'xnatctl prearchive settings') tells what a project does with
data that arrives, and changes it.
'xnat-prearchive <command> --help' explains each.

Examples:
  xnat-prearchive list -P NEURO --where status=CONFLICT
  xnat-upload dicom ./S1 -P NEURO --prearchive | xnat-prearchive wait | xnat-prearchive archive
"""

from __future__ import annotations

from collections.abc import Sequence

from xnat_core.run import Command, run
from xnat_prearchive import __version__

_COLUMNS = ("project", "timestamp", "name", "status", "date", "subject")
_ARCHIVED = ("project", "subject", "label", "id")

COMMANDS = {
    "list": Command("xnat_prearchive.list", listing=True, columns=_COLUMNS),
    "wait": Command("xnat_prearchive.wait", columns=_COLUMNS),
    "archive": Command("xnat_prearchive.archive", changes=True, columns=_ARCHIVED),
    "scans": Command(
        "xnat_prearchive.scans",
        listing=True,
        columns=("name", "id", "xsi_type", "series_description", "file_count"),
    ),
    "rebuild": Command("xnat_prearchive.rebuild", changes=True, columns=_COLUMNS),
    "move": Command("xnat_prearchive.move", changes=True, columns=_COLUMNS),
    "delete": Command("xnat_prearchive.delete", changes=True, columns=_COLUMNS),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run xnat-prearchive."""
    return run("xnat-prearchive", __version__, __doc__, COMMANDS, argv)
