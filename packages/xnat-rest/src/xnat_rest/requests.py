"""The words of a raw request: its path, its query, its body."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from xnat_core.errors import UsageError
from xnat_core.urls import same_server


def target(written: str, server: str) -> str:
    """The path of a request. A whole URL is taken when it is one of the server in use."""
    if not written.startswith(("http://", "https://")):
        return written if written.startswith("/") else f"/{written}"
    base = server.rstrip("/")
    start = written[: len(base)]
    rest = written[len(base) :]
    if not same_server(start, base) or not rest.startswith("/"):
        raise UsageError(f"{written} is not on the server in use, {server}")
    return rest


def pairs(texts: tuple[str, ...]) -> list[tuple[str, object]]:
    """Query pairs of `KEY=VALUE`: split at the first `=` that is not inside brackets."""
    found: list[tuple[str, object]] = []
    for text in texts:
        depth = 0
        for position, character in enumerate(text):
            depth += (character == "[") - (character == "]")
            if character == "=" and depth <= 0 and position:
                found.append((text[:position], text[position + 1 :]))
                break
        else:
            raise UsageError(f"--params {text}: must be KEY=VALUE")
    return found


def payload(data: str | None, file: Path | None, content_type: str | None) -> dict[str, Any]:
    """The body of a request, as keyword arguments of the client: a file is streamed as it is."""
    if file is not None:
        from xnat_core.bodies import FileBody

        return {"body": FileBody(file, content_type or _type_of(file))}
    if data is None:
        return {}
    raw = os.fsencode(data)
    return {"data": raw, "headers": {"Content-Type": content_type or _type_of_text(raw)}}


def _type_of_text(raw: bytes) -> str:
    try:
        json.loads(raw)
    except ValueError:
        return "application/xml" if raw.lstrip().startswith(b"<") else "text/plain"
    return "application/json"


def _type_of(file: Path) -> str:
    suffixes = {
        ".json": "application/json",
        ".xml": "text/xml",
        ".zip": "application/zip",
        ".tar": "application/x-tar",
        ".dcm": "application/dicom",
    }
    return suffixes.get(file.suffix.lower(), "application/octet-stream")
