"""Upload to XNAT: DICOM sessions, and files into resources.

Usage:
  xnat-upload <command> [options]

Commands:
  dicom     DICOM from folders and archives, into the archive or the prearchive.
  exam      A folder: its DICOM as a session, the rest as resources of it.
  resource  Files into a resource of a session, a scan, a subject or a project.

'xnat-upload <command> --help' explains each.

Examples:
  xnat-upload dicom /incoming/S1 -P NEURO -S S1 -E S1_MR1
  xnat-upload dicom /incoming -P NEURO --dry-run
  xnat-upload dicom S1.zip -P NEURO --prearchive | xnat-prearchive archive
"""

from __future__ import annotations

from collections.abc import Sequence

from xnat_core.run import Command, run
from xnat_upload import __version__

COMMANDS = {
    "dicom": Command(
        "xnat_upload.dicom",
        bounded=True,
        columns=("label", "project", "subject", "landed", "files", "bytes", "outcome"),
        identifier="id",
        aliases={
            "--session": ("--experiment",),
            "--gradual": ("--mode=gradual",),
            "--archive-format": ("--mode",),
            "--wait-timeout": ("--wait",),
            "--wait-for-archive": ("--wait=900",),
            "--no-wait-for-archive": ("--wait=0",),
            "--no-parallel": ("--workers=1",),
            "--parallel": (),
        },
    ),
    "exam": Command(
        "xnat_upload.exam",
        columns=("label", "project", "subject", "dicom", "resources"),
        identifier="id",
        aliases={
            "--session": ("--experiment",),
            "--wait-timeout": ("--wait",),
            "--wait-for-archive": ("--wait=900",),
            "--no-wait-for-archive": ("--wait=0",),
            "--gradual": (),
            "--no-parallel": ("--workers=1",),
            "--parallel": (),
        },
    ),
    "resource": Command(
        "xnat_upload.resource",
        bounded=True,
        columns=("project", "subject", "session", "scan", "resource", "files", "bytes", "outcome"),
        identifier="uri",
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run xnat-upload."""
    return run("xnat-upload", __version__, __doc__, COMMANDS, argv)
