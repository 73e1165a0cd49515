"""Shards as tasks of a real Slurm, by the script of the recipe, and everything that goes wrong."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from support.documents import Shell, steps
from support.sandbox import FAST, XNAT
from support.slurm import Slurm, cluster
from xnat_core.config import Config
from xnat_sandbox.samples import instance_of

RECIPE = Path(__file__).parents[2] / "docs/recipes/slurm.md"
SHARDS, AT_ONCE, CONNECTIONS, SESSIONS = 8, 6, 4, 5
ALL = f"0-{SHARDS - 1}%{AT_ONCE}"
Records = list[dict[str, Any]]

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def slurm() -> Iterator[Slurm]:
    with cluster() as running:
        yield running


@pytest.fixture
def archive(make_xnat: Callable[..., XNAT], monkeypatch: pytest.MonkeyPatch) -> XNAT:
    """A server that lets nobody have more than five sessions, and takes its time for files."""
    from dataclasses import replace

    xnat = make_xnat(replace(FAST, concurrent_sessions=SESSIONS))
    for name, value in {"URL": xnat.url, "USER": "admin", "PASS": "admin"}.items():
        monkeypatch.setenv(f"XNAT_{name}", value)

    def slowly(request: Request) -> Response | None:
        if "/files" in request.path:
            time.sleep(0.3)
        return None

    xnat.before(slowly)
    return xnat


class Field:
    """A folder with a plan and the script of the recipe, and the tasks that work there."""

    def __init__(self, slurm: Slurm, folder: Path, records: Records, *command: object) -> None:
        self.slurm = slurm
        self.folder = folder
        self.command = [str(word) for word in command]
        self._jobs: list[str] = []
        folder.mkdir()
        (script,) = (s.commands for s in steps(RECIPE) if "cat > shards.sh" in s.commands)
        assert Shell(folder, {}).run(script).returncode == 0
        self.tool("plan", "-n", SHARDS, records=records)

    def tool(self, verb: str, *words: object, records: Records | None = None) -> Records:
        """What xnat-shard says."""
        text = "".join(json.dumps(record) + "\n" for record in records or [])
        ran = subprocess.run(
            ["xnat-shard", verb, "plan", *map(str, words)],
            cwd=self.folder,
            input=text,
            capture_output=True,
            text=True,
        )
        return [json.loads(line) for line in ran.stdout.splitlines()]

    def submit(self, array: str = ALL) -> str:
        """Submit tasks; returns the number of the job."""
        words = ("sbatch", "--parsable", f"--array={array}", "shards.sh", "plan", *self.command)
        self._jobs.append(self.slurm.asks(*words, cwd=self.folder))
        return self._jobs[-1]

    def of_state(self, state: str) -> Records:
        """The shards in that state."""
        return [shard for shard in self.tool("status") if shard["state"] == state]

    def running(self) -> dict[str, Any]:
        """A shard that is being run."""
        self.slurm.until(lambda: self.of_state("running"))
        return self.of_state("running")[0]

    def complete(self) -> None:
        """See the tasks through to the end, submitting again what is left."""
        end = time.monotonic() + 400
        while len(self.of_state("done")) < SHARDS:
            assert time.monotonic() < end, self.logs()
            waiting = self.slurm.asks("squeue", "-h", "-r", "-o", "%F_%K %T %r")
            if not waiting:
                left = ",".join(
                    shard["id"] for shard in self.tool("status") if shard["state"] != "done"
                )
                if left:
                    self.submit(left)
            for line in waiting.splitlines():
                task, _, reason = line.split(maxsplit=2)
                if reason == "BeginTime":
                    # Slurm lets a requeued task wait for two minutes.
                    words = ("scontrol", "update", f"JobId={task}", "StartTime=now")
                    self.slurm.asks(*words, check=False)
            time.sleep(1)
        self.slurm.asks("scancel", *self._jobs, check=False)

    def logs(self) -> str:
        """What the tasks said."""
        return "\n".join(path.read_text() for path in self.folder.glob("*.log"))


@contextlib.contextmanager
def connections(xnat: XNAT) -> Iterator[Callable[[], int]]:
    """How many connections a server had at most, as the kernel sees it."""
    port, over, most = f":{xnat.server.port:04X}", threading.Event(), [0]

    def look() -> None:
        while not over.wait(0.01):
            rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
            # Of both ends that the kernel lists, the client's; 01 is an established connection.
            now = sum(row[2].endswith(port) and row[3] == "01" for row in rows)
            most[0] = max(most[0], now)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield lambda: most[0]
    finally:
        over.set()
        watcher.join()


def log_ins(xnat: XNAT) -> int:
    return len(xnat.requests("POST", "/data/JSESSION"))


def tree(folder: Path) -> dict[str, bytes]:
    """All files below a folder; manifests name the run that wrote them."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "manifest.ndjson"
    }


def scans_of(xnat: XNAT, count: int = 32) -> Records:
    """Scans of four sessions, each of two files."""
    found: Records = []
    for number in range(4):
        scans = {
            str(scan): {f"{n}.dcm": os.urandom(20_000) for n in range(2)}
            for scan in range(count // 4)
        }
        session = xnat.has_session("P1", f"S{number}", f"E{number}", scans=scans)
        found += [
            {
                "kind": "scan",
                "server": xnat.url,
                "uri": f"/data/experiments/{session.id}/scans/{scan}",
                "id": scan,
                "project": "P1",
                "session": session.label,
                "session_id": session.id,
                "file_size": 40_000,
            }
            for scan in scans
        ]
    return found


def poisoned(records: Records) -> Records:
    """Scans that do not exist, so large that each shard gets one of them."""
    return [
        {**records[0], "uri": f"/data/no/{n}", "id": f"none{n}", "file_size": 10**9}
        for n in range(SHARDS)
    ]


def test_an_array_that_is_killed_requeued_and_submitted_twice_ends_like_a_serial_run(
    slurm: Slurm, archive: XNAT, tmp_path: Path
) -> None:
    records = scans_of(archive)
    poison = poisoned(records)
    words = ("--out", "data", "-w", 2, "--max-connections", CONNECTIONS)
    field = Field(slurm, tmp_path / "field", records + poison, "xnat-download", *words)
    with connections(archive) as most:
        job = field.submit()
        os.kill(field.running()["pid"], signal.SIGKILL)
        slurm.asks("scontrol", "requeue", f"{job}_{field.running()['id']}", check=False)
        field.submit()
        field.complete()
    assert 1 < most() <= CONNECTIONS
    assert log_ins(archive) == 1
    again = field.tool("collect", "--again")
    assert sorted(record["id"] for record in again) == sorted(record["id"] for record in poison)
    text = "".join(json.dumps(record) + "\n" for record in records)
    serial = ["xnat-download", "--out", str(tmp_path / "serial"), "-w", "1"]
    subprocess.run(serial, input=text, text=True, check=True, capture_output=True)
    assert tree(field.folder / "data") == tree(tmp_path / "serial")
    assert len(archive.app.sessions.of("admin")) == 1


def test_shards_of_a_transfer_end_like_a_serial_run(
    slurm: Slurm, archive: XNAT, make_xnat: Callable[..., XNAT], tmp_path: Path
) -> None:
    dest = make_xnat()
    records: Records = []
    for number in range(SHARDS):
        files = {f"{n}.dcm": dicom(tmp_path, number, n) for n in range(3)}
        session = archive.has_session("A", f"S{number}", f"E{number}", scans={"1": files})
        records.append({"kind": "session", "server": archive.url, "id": session.id})
        records[-1] |= {
            "uri": f"/data/experiments/{session.id}",
            "label": f"E{number}",
            "project": "A",
        }
    for project in ("B", "SERIAL"):
        dest.has_project(project)
    config = Config()
    for name, server in (("source", archive), ("dest", dest)):
        config.add_profile(name, server.url).username = "admin"
        config.profiles[name].max_connections = CONNECTIONS
    config.save()
    words = ("--dest-profile", "dest", "--dest-user", "admin")
    subprocess.run(
        ["xnat-auth", "login", "-p", "dest", "-u", "admin", "--password-stdin"],
        input="admin\n",
        text=True,
        check=True,
        capture_output=True,
    )
    command = ("xnat-transfer", "run", "-", "-p", "source", *words, "--dest-project")
    field = Field(slurm, tmp_path / "field", records, *command, "B")
    job = field.submit()
    slurm.asks("scontrol", "requeue", f"{job}_{field.running()['id']}", check=False)
    field.complete()
    assert field.tool("collect", "--again") == []
    assert (log_ins(archive), log_ins(dest)) == (1, 1)
    text = "".join(json.dumps(record) + "\n" for record in records)
    serial = [*command, "SERIAL"]
    subprocess.run(serial, input=text, text=True, check=True, capture_output=True)
    assert held(dest, "B") == held(dest, "SERIAL") != {}


def dicom(folder: Path, study: int, number: int) -> bytes:
    path = folder / "one.dcm"
    sample = instance_of(study_uid=f"1.2.840.{study}", series=1, instance=number + 1)
    sample.save_as(path, enforce_file_format=True)
    return path.read_bytes()


def held(xnat: XNAT, project: str) -> dict[str, set[str]]:
    """The digests of all files of the sessions of a project."""
    rows = xnat.rows(f"/data/projects/{project}/experiments?format=json")
    return {
        row["label"]: {
            file["digest"]
            for file in xnat.rows(f"/data/experiments/{row['ID']}/scans/ALL/files?format=json")
        }
        for row in rows
    }
