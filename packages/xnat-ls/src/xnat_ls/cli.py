"""List projects, subjects, sessions, scans, resources and files of XNAT.

Usage:
  xnat-ls projects  [<project>]...
  xnat-ls subjects  [<subject>]...
  xnat-ls sessions  [<session>]...
  xnat-ls scans     [<scan>]...
  xnat-ls resources [<session>] [<resource>]...
  xnat-ls files     [<session>] [<resource>]...

'xnat-ls <command> --help' explains a command and its options. With --long everything is told of
each object: counts, and what is directly in it.

Example:
  xnat-ls sessions -P NEURO --modality MR | xnat-ls scans --where type~T1 | xnat-download scans
"""

from __future__ import annotations

from collections.abc import Sequence

from xnat_core.commandline import Command
from xnat_core.run import run
from xnat_ls import __version__

COMMANDS = {
    "projects": Command(
        "xnat_ls.projects",
        listing=True,
        columns=("id", "name", "pi", "description"),
        widest={"description": 50},
    ),
    "subjects": Command(
        "xnat_ls.subjects",
        listing=True,
        columns=("id", "label", "session_count"),
        identifier="label",
    ),
    "sessions": Command(
        "xnat_ls.sessions",
        listing=True,
        columns=("id", "label", "subject", "date", "modality"),
        aliases={"--session": ("--experiment",)},
    ),
    "scans": Command(
        "xnat_ls.scans",
        listing=True,
        columns=("id", "type", "series_description", "quality", "frames"),
        aliases={"--session": ("--experiment",)},
    ),
    "resources": Command(
        "xnat_ls.resources",
        listing=True,
        columns=("label", "format", "file_count", "file_size", "content", "scan"),
        identifier="label",
        aliases={"--session": ("--experiment",)},
    ),
    "files": Command(
        "xnat_ls.files",
        listing=True,
        columns=("scan", "resource", "path", "size", "digest"),
        identifier="path",
        aliases={"--session": ("--experiment",)},
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run xnat-ls."""
    return run("xnat-ls", __version__, __doc__, COMMANDS, argv)
