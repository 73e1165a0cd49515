"""Arrays of shards: the script of the recipe on a Slurm, and what happens to its tasks."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from werkzeug.wrappers import Request, Response

from support.documents import Shell, steps
from support.sandbox import XNAT
from support.slurm import Slurm

RECIPE = Path(__file__).parents[2] / "docs/recipes/slurm.md"
SHARDS, AT_ONCE, CONNECTIONS, SESSIONS = 8, 6, 4, 5
HUGE = 10**9
Records = list[dict[str, Any]]


class Field:
    """A folder with a plan and the script of the recipe, and the tasks that work there."""

    def __init__(
        self, slurm: Slurm, folder: Path, records: Records, *command: object, shards: int = SHARDS
    ) -> None:
        self.slurm = slurm
        self.folder = folder
        self.command = [str(word) for word in command]
        self.shards = shards
        self.jobs: list[str] = []
        folder.mkdir()
        (script,) = (s.commands for s in steps(RECIPE) if "cat > shards.sh" in s.commands)
        assert Shell(folder, {}).run(script).returncode == 0
        self.tool("plan", "-n", shards, records=records)

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

    def submit(self, array: str | None = None) -> str:
        """Submit tasks, all of them when none are named; returns the number of the job."""
        array = array or f"0-{self.shards - 1}%{AT_ONCE}"
        words = ("sbatch", "--parsable", f"--array={array}", "shards.sh", "plan", *self.command)
        self.jobs.append(self.slurm.asks(*words, cwd=self.folder))
        return self.jobs[-1]

    def of_state(self, state: str) -> Records:
        """The shards in that state."""
        return [shard for shard in self.tool("status") if shard["state"] == state]

    def running(self, least: int = 1) -> Records:
        """The shards that are being run, when there are so many."""
        self.slurm.until(lambda: len(self.of_state("running")) >= least)
        return self.of_state("running")

    def has_every_accident(self, watched: Watched) -> None:
        """Submit; kill a task, requeue one, submit one twice, lose the node with the others."""
        job = self.submit()
        self.slurm.until(watched.holds.is_set)
        killed, requeued, twice, *_ = self.running(least=4)
        self.submit(twice["id"])
        kill(killed["pid"])
        self.slurm.asks("scontrol", "requeue", f"{job}_{requeued['id']}")
        self.slurm.until(lambda: "is being run by process" in self.logs())
        assert len(self.running()) > 1
        self.slurm.loses_the_node()
        assert self.slurm.restarts(job) > 2

    def complete(self) -> None:
        """See the tasks through to the end, submitting again what is left."""
        end = time.monotonic() + 400
        while len(self.of_state("done")) < self.shards:
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
        self.slurm.asks("scancel", *self.jobs, check=False)

    def logs(self) -> str:
        """What the tasks said."""
        return "\n".join(path.read_text() for path in self.folder.glob("*.log"))


class Watched:
    """A server whose requests for files take their time, and that counts its connections.

    `hold` lets requests for files wait after the first few, until `let_go`: tasks that are to meet
    with an accident must still be running, and be beyond their login.
    """

    def __init__(self, xnat: XNAT, seconds: float = 0.3) -> None:
        self.most = 0
        self.holds = threading.Event()
        self._seconds = seconds
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._free = threading.Event()
        self._free.set()
        self._passing = 0
        xnat.before(self._look)

    def hold(self, after: int) -> None:
        """Let only so many requests for files pass from now on."""
        self._passing = after
        self._free.clear()

    def let_go(self) -> None:
        """Let all of them pass."""
        self._free.set()

    def _look(self, request: Request) -> Response | None:
        # While its request is served a connection is there, so no moment with more is missed.
        with self._lock:
            self._connections.add(request.environ["werkzeug.socket"])
            self._connections = {one for one in self._connections if _is_established(one)}
            self.most = max(self.most, len(self._connections))
        if "/files" in request.path:
            time.sleep(self._seconds)
            self._passing -= 1
            if self._passing < 0 and not self._free.is_set():
                self.holds.set()
                self._free.wait(200)
        return None


def _is_established(connection: socket.socket) -> bool:
    """Whether the client has not closed it, whatever this side is doing."""
    try:
        state = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
    except OSError:
        return False
    return state == b"\x01"


def kill(pid: int) -> None:
    """Kill a process and its children at one blow."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for one in (pid, *map(int, children)):
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)


def log_ins(xnat: XNAT) -> int:
    """How often anybody has logged in."""
    return len(xnat.requests("POST", "/data/JSESSION"))


def poison(server: str, kind: str) -> Records:
    """Records of what does not exist, so large that each shard gets one of them."""
    return [
        {
            "kind": kind,
            "server": server,
            "uri": f"/data/no/{number}",
            "id": f"none{number}",
            "session_id": "none",
            "file_size": HUGE,
        }
        for number in range(SHARDS)
    ]


def ids(records: Records) -> list[str]:
    """Their identifiers."""
    return sorted(record["id"] for record in records)


def serially(*command: object, records: Records) -> None:
    """Give records to a command, without any array."""
    text = "".join(json.dumps(record) + "\n" for record in records)
    ran = subprocess.run([*map(str, command)], input=text, text=True, capture_output=True)
    assert ran.returncode == 0, ran.stderr
