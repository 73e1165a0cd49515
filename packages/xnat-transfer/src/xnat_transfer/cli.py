"""Transfer projects from one XNAT to another, in one stream, repeatable until it is the same.

Usage:
  xnat-transfer <command> [options]

Commands:
  run      Bring a project or sessions to another server.
  check    Look whether that will work, and what the other server will do to the data.
  status   How the last transfers ended, or how far they are.
  history  All transfers that this user made on this machine.
  init     Write a configuration to start from.

'xnat-transfer <command> --help' explains each.

Examples:
  xnat-transfer check -p prod -P NEURO --dest-profile dev --dest-project NEURO_COPY
  xnat-transfer run -p prod -P NEURO --dest-profile dev --dest-project NEURO_COPY
"""

from __future__ import annotations

from collections.abc import Sequence

from xnat_core.run import Command, run
from xnat_transfer import __version__

COMMANDS = {
    "run": Command(
        "xnat_transfer.run",
        bounded=True,
        columns=("kind", "label", "id", "files", "bytes", "verified", "outcome"),
    ),
    "check": Command(
        "xnat_transfer.check", columns=("check", "status", "detail"), identifier="check"
    ),
    "status": Command(
        "xnat_transfer.status",
        columns=(
            *("sync_id", "status", "started", "ended"),
            *("subjects_synced", "subjects_failed", "subjects_skipped"),
            *("destination", "dest_project"),
        ),
        identifier="sync_id",
    ),
    "history": Command(
        "xnat_transfer.history",
        listing=True,
        columns=("id", "status", "started", "dest", "synced", "failed"),
    ),
    "init": Command("xnat_transfer.init"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run xnat-transfer."""
    return run("xnat-transfer", __version__, __doc__, COMMANDS, argv)
