"""A server that is killed in the middle of things."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import requests

from support.imports import members, tarred, wait_until
from xnat_sandbox import samples

AUTH = ("admin", "admin")
IMPORT = "/data/services/import?import-handler=DICOM-zip&inbody=true&project=P1"
TAR = {"Content-Type": "application/x-tar"}


@contextmanager
def server(data: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A server in a process of its own."""
    command = [
        sys.executable,
        "-c",
        "import sys; from xnat_sandbox.cli import main; sys.exit(main())",
    ]
    process = subprocess.Popen(
        [*command, "serve", "--port", "0", "--data", str(data)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip(), process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def stored(data: Path) -> list[Path]:
    return list((data / "prearchive").rglob("*.dcm"))


class KilledHalfway:
    """A body of which the server gets half, and is killed once it has stored some of that."""

    def __init__(self, body: bytes, process: subprocess.Popen[str], data: Path) -> None:
        self._body = body
        self._process = process
        self._data = data

    def __len__(self) -> int:
        return len(self._body)

    def __iter__(self) -> Iterator[bytes]:
        half = len(self._body) // 2
        yield self._body[:half]
        wait_until(lambda: bool(stored(self._data)))
        self._process.kill()
        yield self._body[half:]


def test_an_upload_cut_off_by_a_kill_can_be_repeated(tmp_path: Path) -> None:
    series = members(samples.write_series(tmp_path / "s", instances=20, rows=512))
    body = tarred(series)
    with server(tmp_path / "x") as (url, process):
        for path in ("/data/projects/P1", "/data/projects/P1/prearchive_code/0"):
            assert requests.put(url + path, auth=AUTH, timeout=30).status_code == 200

        with suppress(requests.ConnectionError):
            cut = KilledHalfway(body, process, tmp_path / "x")
            requests.post(url + IMPORT, data=cut, headers=TAR, auth=AUTH, timeout=30)
        assert process.wait(timeout=30) == -signal.SIGKILL
    assert 0 < len(stored(tmp_path / "x")) < len(series)
    with server(tmp_path / "x") as (url, _):
        answer = requests.post(url + IMPORT, data=body, headers=TAR, auth=AUTH, timeout=30)
        uri = answer.text.strip()
        commit = f"{url}{uri}?action=commit&AA=true"
        done = requests.post(commit, auth=AUTH, timeout=30, allow_redirects=False)
        assert done.status_code == 301, done.text
        listing = "/data/projects/P1/experiments/SUB001_MR1?format=json"
        found = requests.get(url + listing, auth=AUTH, timeout=30).json()["items"][0]
        files = f"{url}/data/experiments/{found['data_fields']['ID']}/scans/1/resources/DICOM/files"
        rows = requests.get(f"{files}?format=json", auth=AUTH, timeout=30).json()["ResultSet"]
        assert sorted(row["Name"] for row in rows["Result"]) == sorted(series)
        for name, data in series.items():
            assert requests.get(f"{files}/{name}", auth=AUTH, timeout=30).content == data
