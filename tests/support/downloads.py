"""A download run in this process, what it left on disk, and faults in what the server sends."""

from __future__ import annotations

import contextlib
import io
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from support.sandbox import XNAT
from xnat_download.cli import main

# A folder whose manifest is yet to be written has a note instead.
MANIFESTS = ("manifest.ndjson", ".manifest.ndjson.part")
# It asks to log in, whatever its status says.
PAGE = b"<!DOCTYPE html><html><form action='/app/template/Login.vm'></form></html>"

Change = Callable[[bytes], Iterable[bytes]]


@dataclass
class Ran:
    """What a run came to."""

    status: int
    records: list[dict[str, Any]]
    err: str

    @property
    def record(self) -> dict[str, Any]:
        """Its only record."""
        (record,) = self.records
        return record

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Its records of one kind."""
        return [record for record in self.records if record["kind"] == kind]


class Downloader:
    """Runs `xnat-download` against one server, as its administrator, in a folder of its own."""

    def __init__(
        self,
        xnat: XNAT,
        out: Path,
        capfd: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        self.xnat = xnat
        self.out = out
        self._capfd = capfd
        self._monkeypatch = monkeypatch
        monkeypatch.setenv("XNAT_URL", xnat.url)
        monkeypatch.setenv("XNAT_USER", xnat.admin[0])
        monkeypatch.setenv("XNAT_PASS", xnat.admin[1])

    def __call__(self, *words: object, records: Iterable[object] = ()) -> Ran:
        """Run it with these words, and these records on standard input."""
        text = "".join(json.dumps(record) + "\n" for record in records)
        self._monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        self._capfd.readouterr()
        status = main([str(word) for word in words])
        out, err = self._capfd.readouterr()
        return Ran(status, [json.loads(line) for line in out.splitlines()], err)

    def records(self, *records: dict[str, Any], words: Iterable[object] = ()) -> Ran:
        """Download what these records name."""
        with_server = [{"server": self.xnat.url, **record} for record in records]
        return self("--out", self.out, *words, records=with_server)

    def session(self, label: str, *words: object, project: str = "P1") -> Ran:
        """Download a session by its record."""
        return self.records(self.record(label, project), words=words)

    def record(self, label: str, project: str = "P1") -> dict[str, Any]:
        """The record of a session, as xnat-ls writes it."""
        session = self.xnat.store.items.experiment_in(project, label)
        assert session is not None
        return {
            "kind": "session",
            "server": self.xnat.url,
            "uri": f"/data/experiments/{session.id}",
            "id": session.id,
            "label": label,
            "project": project,
        }

    def files(self, folder: str = "") -> dict[str, bytes]:
        """All files below a folder of OUT by their path, manifests and their notes left out."""
        top = self.out / folder
        found = {}
        for path in sorted(top.rglob("*")):
            # A run that is going on takes its parts away.
            with contextlib.suppress(FileNotFoundError):
                if path.is_file() and path.name not in MANIFESTS:
                    found[path.relative_to(top).as_posix()] = path.read_bytes()
        return found

    def fetched(self) -> list[str]:
        """Path and query of the requests for data so far, oldest first."""
        return [
            request.full_path.rstrip("?")
            for request in self.xnat.requests("GET", "/data/")
            if "/files" in request.path and "format=json" not in request.full_path
        ]


class Spoiler:
    """Changes what the server sends for the next requests whose path and query hold a text.

    `change` is given the whole body and gives the blocks to send; an OSError in it breaks the
    connection. `seen` counts the requests, `keep_length` keeps Content-Length as it was.
    """

    def __init__(
        self,
        xnat: XNAT,
        text: str,
        change: Change,
        *,
        times: int = 1,
        keep_length: bool = False,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.seen = 0
        self._xnat = xnat
        self._text = text
        self._change = change
        self._left = times
        self._keep_length = keep_length
        self._headers = headers or {}
        self._inside = threading.local()
        self._lock = threading.Lock()
        xnat.before(self._hook)

    def _hook(self, request: Request) -> Response | None:
        if getattr(self._inside, "busy", False) or self._text not in request.full_path:
            return None
        with self._lock:
            self.seen += 1
            if not self._left:
                return None
            self._left -= 1
        self._inside.busy = True
        try:
            answer = self._xnat.app.respond(request)
        finally:
            self._inside.busy = False
        body = b"".join(answer.iter_encoded())
        headers = [
            (name, value)
            for name, value in answer.headers.items()
            if name != "Content-Length" or self._keep_length
        ]
        changed = Response(self._change(body), answer.status_code, headers)
        changed.headers.extend(self._headers)
        return changed


def breaks_at(position: float) -> Change:
    """Break the connection there: a number of bytes, or a share of all of them."""

    def change(body: bytes) -> Iterator[bytes]:
        end = int(len(body) * position) if isinstance(position, float) else position
        yield body[:end]
        raise ConnectionResetError

    return change


def ends_at(share: float) -> Change:
    """End there as if that were all, under status 200."""
    return lambda body: [body[: int(len(body) * share)]]


def flips(offset: int) -> Change:
    """One bit is another."""

    def change(body: bytes) -> list[bytes]:
        spoilt = bytearray(body)
        spoilt[offset] ^= 1
        return [bytes(spoilt)]

    return change


def becomes(data: bytes, share: float = 0.0) -> Change:
    """From there on something else comes."""
    return lambda body: [body[: int(len(body) * share)] + data]


def slowly(pieces: int, seconds: float) -> Change:
    """The whole body, in pieces with pauses between them."""

    def change(body: bytes) -> Iterator[bytes]:
        length = max(1, len(body) // pieces)
        for start in range(0, len(body), length):
            time.sleep(seconds)
            yield body[start : start + length]

    return change
