"""Demonstration content, sent in by the front door: the import service."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from werkzeug.test import Client

from .accounts import GROUPS
from .samples import write_series

if TYPE_CHECKING:
    from .app import Sandbox

ADMIN = ("admin", "admin")
# subject, session, modality, number of series
ARCHIVED = (
    ("SUB001", "SUB001_MR1", "MR", 2),
    ("SUB001", "SUB001_CT1", "CT", 1),
    ("SUB002", "SUB002_MR1", "MR", 2),
)
STAGED = ("SUB003", "SUB003_MR1", "MR", 1)


def seed(sandbox: Sandbox) -> None:
    """Two projects, three sessions, one staged session and three users; once per data directory."""
    if sandbox.store.items.project("NEURO"):
        return
    client = Client(sandbox)
    for id, name, level in (("NEURO", "Neuro study", "private"), ("OPEN", "Open data", "public")):
        query = {"name": name, "accessibility": level, "description": "A demonstration."}
        _call(client, "PUT", f"/data/projects/{id}", query)
        _call(client, "PUT", f"/data/projects/{id}/prearchive_code/0")
    for role in GROUPS:
        sandbox.add_user(role, role)
        sandbox.store.accounts.join(role, f"NEURO_{role}")
    for subject, session, modality, series in ARCHIVED:
        target = f"/archive/projects/NEURO/subjects/{subject}/experiments/{session}"
        _import(client, target, subject, session, modality, series)
    subject, session, modality, series = STAGED
    _import(client, "/prearchive/projects/NEURO", subject, session, modality, series)
    genders = {"SUB001": "female", "SUB002": "male"}
    for subject, gender in genders.items():
        _call(client, "PUT", f"/data/projects/NEURO/subjects/{subject}", {"gender": gender})


def _import(
    client: Client, target: str, subject: str, session: str, modality: str, series: int
) -> None:
    packed = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(packed, "w") as archive:
        for number in range(1, series + 1):
            paths = write_series(
                Path(folder) / str(number),
                modality=modality,
                series=number,
                patient=subject,
                session=session,
            )
            for path in paths:
                archive.write(path, path.name)
    query = {
        "dest": target,
        "project": "NEURO",
        "subject": subject,
        "session": session,
        "inbody": "true",
    }
    _call(client, "POST", "/data/services/import", query, packed.getvalue())


def _call(
    client: Client,
    method: str,
    path: str,
    query: dict[str, str] | None = None,
    data: bytes = b"",
) -> None:
    answer = client.open(
        path,
        method=method,
        query_string=query or {},
        auth=ADMIN,
        data=data,
        content_type="application/zip" if data else None,
    )
    if answer.status_code not in (200, 201):
        raise OSError(f"cannot seed: {method} {path}: {answer.status} {answer.text}")
