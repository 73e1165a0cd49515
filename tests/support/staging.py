"""Sessions on their way into the prearchive, and records of them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from support.sandbox import XNAT
from xnat_core.archive import Member, TarStream
from xnat_core.client import XNATClient
from xnat_core.models import PrearchiveEntry
from xnat_core.prearchive_rows import entry_of_uri
from xnat_sandbox.samples import instance_of, write_series


def stage(
    client: XNATClient,
    folder: Path,
    session: str = "MR1",
    *,
    built: bool = True,
    instances: int = 3,
) -> PrearchiveEntry:
    """Upload a series of the project P1; built, or only received."""
    files = write_series(folder, session=session, instances=instances)
    body = TarStream([Member.of(path, path.name) for path in files])
    params = {
        "import-handler": "DICOM-zip",
        "inbody": "true",
        "project": "P1",
        "subject": "S1",
        "session": session,
    }
    if built:
        params["dest"] = "/prearchive/projects/P1"
    answer = client.post("/data/services/import", params=params, body=body)
    return entry_of_uri(answer.text)


def record(words: list[str], xnat: XNAT, **more: Any) -> dict[str, Any]:
    """The record of a row: PROJECT TIMESTAMP NAME."""
    names = dict(zip(("project", "timestamp", "name"), words, strict=True))
    return {"kind": "prearchive", "server": xnat.url, **names, **more}


def dicom_bytes() -> bytes:
    """One object, as a file has it."""
    buffer = io.BytesIO()
    instance_of(study_uid="1.2.77").save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
