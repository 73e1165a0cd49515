"""What a run must remember of its files, in the words of this tool."""

from __future__ import annotations

from xnat_core.scratch import Scratch


def scratch(schema: str) -> Scratch:
    """A temporary database. Raises OperationError when it finds no room."""
    return Scratch(schema, "list", what="the temporary list of files")
