"""What a test of `xnat-upload resource` runs, and what the server then has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from support.sandbox import XNAT

Records = list[dict[str, Any]]
Run = Callable[..., tuple[int, Records, str]]


def stored(xnat: XNAT, owner: str, label: str) -> dict[str, bytes]:
    """The files of a resource by their names, read from the server."""
    rows = xnat.rows(f"/data/{owner}/resources/{label}/files?format=json")
    return {row["URI"].split("/files/")[1]: xnat.call("GET", row["URI"]).content for row in rows}


def session_path(xnat: XNAT) -> str:
    """The address of the one session, below `/data`."""
    (row,) = xnat.rows("/data/projects/P1/experiments?format=json")
    return f"experiments/{row['ID']}"
