"""Look at, check, anonymize and change DICOM files on this machine.

Usage:
  xnat-dicom <command> [options]

Commands:
  ls         What DICOM there is: files, series or studies.
  validate   Check that nothing is missing that an archive needs.
  inspect    The values that people ask for.
  list-tags  Every element of files.
  anonymize  Write copies that do not tell whose they are.
  modify     Change values in place.

Files come as arguments, or as records of kind 'dicom' on standard input; a record of a folder
stands for all that is below it. No server is needed.
'xnat-dicom <command> --help' explains each.

Examples:
  xnat-dicom ls /incoming --by study
  xnat-dicom ls /incoming --where modality=MR | xnat-upload dicom -P NEURO
"""

from __future__ import annotations

from collections.abc import Sequence

from xnat_core.run import Command, run
from xnat_dicom import __version__

_FILES = ("path", "modality", "date", "series_number", "series_description", "files")

COMMANDS = {
    "ls": Command("xnat_dicom.ls", server=False, listing=True, columns=_FILES, identifier="path"),
    "validate": Command(
        "xnat_dicom.validate",
        server=False,
        columns=("path", "valid", "errors", "warnings"),
        identifier="path",
    ),
    "inspect": Command("xnat_dicom.inspect", server=False, layout="facts", identifier="path"),
    "list-tags": Command(
        "xnat_dicom.list_tags",
        server=False,
        listing=True,
        columns=("tag", "vr", "name", "value"),
        widest={"value": 50},
        identifier="tag",
    ),
    "anonymize": Command(
        "xnat_dicom.anonymize", server=False, columns=("path", "source"), identifier="path"
    ),
    "modify": Command(
        "xnat_dicom.modify",
        changes=True,
        server=False,
        columns=("path", "changed"),
        identifier="path",
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run xnat-dicom."""
    return run("xnat-dicom", __version__, __doc__, COMMANDS, argv)
