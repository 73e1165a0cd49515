"""Sending DICOM to an XNAT with nothing but `requests`."""

from __future__ import annotations

import io
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import requests

from support.sandbox import XNAT

IMPORT = "/data/services/import"
ZIP = {"import-handler": "DICOM-zip", "inbody": "true", "project": "P1"}
Members = Mapping[str, bytes]


def members(paths: Iterable[Path]) -> dict[str, bytes]:
    """Files by name, for the archives below."""
    return {path.name: path.read_bytes() for path in paths}


def zipped(files: Members, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tarred(files: Members, compression: str = "") -> bytes:
    """A tar of these files, `gz` compresses it."""
    buffer = io.BytesIO()
    mode: Any = f"w:{compression}" if compression else "w"
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def post(xnat: XNAT, path: str, **options: Any) -> requests.Response:
    """POST as the administrator, redirects not followed."""
    options.setdefault("auth", xnat.admin)
    return requests.post(xnat.url + path, allow_redirects=False, timeout=60, **options)


def send_zip(
    xnat: XNAT, files: Members, auth: tuple[str, str] | None = None, **parameters: str
) -> requests.Response:
    """Upload a zip as a browser would: multipart, DICOM-zip unless `handler` names another."""
    handler = parameters.pop("handler", "DICOM-zip")
    return post(
        xnat,
        IMPORT,
        params={"import-handler": handler, **_spelled(parameters)},
        files={"file": ("upload.zip", zipped(files))},
        auth=auth or xnat.admin,
    )


def send_object(xnat: XNAT, data: bytes, name: str = "", **parameters: str) -> requests.Response:
    """Upload one object by gradual-DICOM: in the body, or multipart if it has a name."""
    params = {"import-handler": "gradual-DICOM", **_spelled(parameters)}
    if name:
        return post(xnat, IMPORT, params=params, files={"file": (name, data)})
    headers = {"Content-Type": "application/dicom"}
    return post(xnat, IMPORT, params={**params, "inbody": "true"}, data=data, headers=headers)


def uris(response: requests.Response) -> list[str]:
    """The lines of a text/uri-list."""
    assert response.status_code == 200, response.text
    return response.text.split("\r\n")[:-1]


def rows(xnat: XNAT, path: str = "/data/prearchive", **options: Any) -> list[dict[str, str]]:
    """The rows of a listing."""
    options.setdefault("auth", xnat.admin)
    answer = requests.get(xnat.url + path, params={"format": "json"}, timeout=60, **options)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, str]] = answer.json()["ResultSet"]["Result"]
    return found


def statuses(xnat: XNAT) -> list[str]:
    """The status of every staged session."""
    return [row["status"] for row in rows(xnat)]


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Look often until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def staged_files(xnat: XNAT, uri: str) -> list[str]:
    """The files of a session in the prearchive, by their paths below it."""
    place = xnat.data / uri.removeprefix("/data/").replace("prearchive/projects", "prearchive")
    return sorted(p.relative_to(place).as_posix() for p in place.rglob("*") if p.is_file())


def message(response: requests.Response) -> str:
    """What a status page says."""
    return response.text.partition("<h3>")[2].partition("</h3>")[0]


def _spelled(parameters: Mapping[str, str]) -> dict[str, str]:
    """`Direct_Archive` stands for `Direct-Archive`, which is no Python name."""
    dashed = {"Direct_Archive", "Ignore_Unparsable", "http_session_listener"}
    return {k.replace("_", "-") if k in dashed else k: v for k, v in parameters.items()}
