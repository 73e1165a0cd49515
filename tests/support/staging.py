"""A session in the prearchive, put there by a client."""

from __future__ import annotations

from pathlib import Path

from xnat_core.archive import Member, TarStream
from xnat_core.client import XNATClient
from xnat_core.models import PrearchiveEntry
from xnat_core.prearchive_rows import entry_of_uri
from xnat_sandbox.samples import write_series


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
