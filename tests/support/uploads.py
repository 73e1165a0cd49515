"""An upload run in this process, and what the server has of it afterwards."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from support.sandbox import XNAT
from xnat_core import user_paths
from xnat_core.models import PrearchiveEntry
from xnat_sandbox.intake import intake_of
from xnat_sandbox.samples import write_series
from xnat_upload.cli import main


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


class Uploader:
    """Runs `xnat-upload dicom` against one server, as its administrator."""

    def __init__(
        self,
        xnat: XNAT,
        folder: Path,
        capfd: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        self.xnat = xnat
        self.folder = folder
        self._capfd = capfd
        monkeypatch.setenv("XNAT_URL", xnat.url)
        monkeypatch.setenv("XNAT_USER", xnat.admin[0])
        monkeypatch.setenv("XNAT_PASS", xnat.admin[1])

    def __call__(self, *words: object) -> Ran:
        """Run it with these words."""
        self._capfd.readouterr()
        status = main(["dicom", *map(str, words)])
        out, err = self._capfd.readouterr()
        return Ran(status, [json.loads(line) for line in out.splitlines()], err)

    def series(self, *, series: int = 1, instances: int = 3, **sample: Any) -> list[Path]:
        """Write a series below the folder that is uploaded."""
        return write_series(
            self.folder / f"s{series}", series=series, instances=instances, **sample
        )

    def imports(self) -> list[Request]:
        """The requests that brought data, repeated ones included."""
        return self.xnat.requests("POST", "/data/services/import")

    def archived(self, project: str = "P1", label: str = "E1") -> dict[str, dict[str, bytes]]:
        """The files of each scan of an archived session; nothing when there is none."""
        session = self.xnat.store.items.experiment_in(project, label)
        if session is None:
            return {}
        scans = self.xnat.store.items.scans(session.id)
        return {scan.id: self.xnat.files(scan, "DICOM") for scan in scans}

    def count(self, project: str = "P1", label: str = "E1") -> int:
        """How many files an archived session has."""
        return sum(map(len, self.archived(project, label).values()))

    def staged(self) -> list[PrearchiveEntry]:
        """The rows of the prearchive."""
        return [
            PrearchiveEntry(
                project=row.project,
                timestamp=row.timestamp,
                name=row.folder,
                label=row.name,
                status=row.status,
            )
            for row in intake_of(self.xnat.app).prearchive.all()
        ]


class Sent:
    """Which instances the server took, by their UIDs, in the order of arrival."""

    def __init__(self, xnat: XNAT) -> None:
        self.uids: list[str] = []
        self._lock = threading.Lock()
        xnat.settings.import_fault = self._note

    def _note(self, uid: str) -> None:
        with self._lock:
            self.uids.append(uid)


def refuse(xnat: XNAT, path: str, answer: Response, times: int = 1) -> list[int]:
    """Answer the next requests under a path like this; the list counts those left."""
    left = [times]

    def hook(request: Request) -> Response | None:
        if left[0] and request.method == "POST" and request.path.startswith(path):
            left[0] -= 1
            return answer
        return None

    xnat.before(hook)
    return left


class Answered:
    """The instances of requests that the server answered with success, in the order of answers.

    `slowly` seconds are spent on each object.
    """

    def __init__(self, xnat: XNAT, slowly: float = 0) -> None:
        self.uids: list[str] = []
        self.taken: list[str] = []
        self._slowly = slowly
        self._local = threading.local()
        self._lock = threading.Lock()
        self._respond = xnat.app.respond
        xnat.app.respond = self._watch  # type: ignore[method-assign]
        xnat.settings.import_fault = self._note

    def _watch(self, request: Request) -> Response:
        self._local.uids = []
        response = self._respond(request)
        if response.status_code == 200:
            with self._lock:
                self.uids += self._local.uids
        return response

    def _note(self, uid: str) -> None:
        time.sleep(self._slowly)
        self._local.uids.append(uid)
        with self._lock:
            self.taken.append(uid)


def journalled() -> list[str]:
    """The names of the instances that the journals of this user remember."""
    lines = []
    for path in (user_paths.state_dir() / "uploads").glob("*.ndjson"):
        for line in path.read_bytes().splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                lines.append(json.loads(line))
    return [line["name"] for line in lines if "name" in line]


def killed(words: Sequence[object], moment: Callable[[], bool]) -> None:
    """Run `xnat-upload dicom` as a process of its own and kill it when the moment has come."""
    code = "import sys; from xnat_upload.cli import main; sys.exit(main(sys.argv[1:]))"
    run = subprocess.Popen(
        [sys.executable, "-c", code, "dicom", *map(str, words)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not moment():
        assert run.poll() is None, "it ended before the moment came"
        assert time.monotonic() < deadline, "the moment never came"
        time.sleep(0.005)
    run.kill()
    run.wait()
