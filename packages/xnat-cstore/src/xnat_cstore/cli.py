"""Send DICOM to a receiver by C-STORE. No login to XNAT is needed.

Usage:
  xnat-cstore <command> [options]

Commands:
  echo  Ask a receiver for a sign of life.
  send  Send files.

'xnat-cstore <command> --help' explains each.

Examples:
  xnat-cstore send ./S1 --host xnat.example.org --port 8104 --called-aet XNAT -P NEURO
  xnat-cstore send ./S1 -P NEURO | xnat-prearchive wait | xnat-prearchive archive
"""

from __future__ import annotations

from collections.abc import Sequence

from xnat_core.run import Command, run
from xnat_cstore import __version__

COMMANDS = {
    "echo": Command(
        "xnat_cstore.echo",
        server=False,
        columns=("host", "port", "called_aet", "calling_aet", "tls", "seconds"),
    ),
    "send": Command(
        "xnat_cstore.send",
        server=False,
        columns=("path", "project", "subject", "session", "uid", "files", "bytes", "outcome"),
        identifier="uid",
        aliases={"--session": ("--experiment",)},
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run xnat-cstore."""
    return run("xnat-cstore", __version__, __doc__, COMMANDS, argv)
