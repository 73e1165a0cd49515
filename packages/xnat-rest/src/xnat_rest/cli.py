"""Send one raw REST request to XNAT.

Usage:
  xnat-rest <command> [options]

Commands:
  get     Read PATH.
  post    Send data to PATH.
  put     Put data at PATH.
  delete  Delete PATH.
  ping    Ask the server whether it is there, and how fast it answers.

'xnat-rest <command> --help' explains each.

Examples:
  xnat-rest ping
  xnat-rest get /data/projects
  xnat-rest get /data/projects --output json
  xnat-rest put /data/projects/P1/subjects/S1 --params gender=female
"""

from __future__ import annotations

from collections.abc import Sequence

from xnat_core.run import Command, run
from xnat_rest import __version__

COMMANDS = {
    "get": Command("xnat_rest.get", listing=True),
    "post": Command("xnat_rest.post"),
    "put": Command("xnat_rest.put"),
    "delete": Command("xnat_rest.delete"),
    "ping": Command("xnat_rest.ping", layout="facts", identifier="url"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run xnat-rest."""
    return run("xnat-rest", __version__, __doc__, COMMANDS, argv)
