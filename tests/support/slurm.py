"""A Slurm of one node, all of it in a scratch folder and on free ports.

Eight processors are declared whatever the machine has, so that tasks run side by side.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from support.judges import judge
from support.ports import free_port

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch")
CONF = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={daemon}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CryptoType=crypto/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MpiDefault=none
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=5,defer
ReturnToService=2
KillWait=20
MinJobAge=3600
NodeName={host} NodeAddr=127.0.0.1 CPUs=8 State=UNKNOWN
PartitionName=transfer Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


class Slurm:
    """The daemons, and the commands that talk with them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._daemons: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start all of them and wait until the node takes jobs."""
        host = socket.gethostname().partition(".")[0]
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        key = self.folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o600)
        conf = CONF.format(
            host=host,
            user=getpass.getuser(),
            folder=self.folder,
            controller=free_port(),
            daemon=free_port(),
        )
        (self.folder / "slurm.conf").write_text(conf)
        options = {
            "key-file": key.name,
            "socket": "munge.socket",
            "pid-file": "munge.pid",
            "log-file": "munge.log",
            "seed-file": "munge.seed",
        }
        words = [f"--{name}={self.folder / file}" for name, file in options.items()]
        self._daemon("munged", "--foreground", "--force", *words)
        self.until((self.folder / "munge.socket").exists)
        self._daemon("slurmctld", "-D")
        self._daemon("slurmd", "-D")
        self.until(lambda: self.asks("sinfo", "-h", "-o", "%t", check=False) == "idle")

    def stop(self) -> None:
        """End the jobs, then the daemons."""
        with contextlib.suppress(subprocess.SubprocessError):
            self.asks("scancel", f"--user={getpass.getuser()}", check=False)
            self.until(lambda: not self.asks("squeue", "-h", check=False), 30)
        for daemon in reversed(self._daemons):
            daemon.terminate()
        for daemon in self._daemons:
            try:
                daemon.wait(timeout=10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def asks(self, *words: object, check: bool = True, cwd: Path | None = None) -> str:
        """What a command of Slurm prints."""
        ran = subprocess.run(
            [*map(str, words)],
            env=self._environment(),
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert not check or ran.returncode == 0, f"{words}: {ran.stderr}"
        return ran.stdout.strip()

    def until(self, holds: Callable[[], object], seconds: float = 60) -> None:
        """Wait for something."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, self._logs()
            time.sleep(0.2)

    def states(self, job: str) -> dict[str, str]:
        """The state of each task of an array that Slurm still remembers."""
        lines = self.asks("squeue", "-h", "-r", "-t", "all", "-j", job, "-o", "%K %T", check=False)
        return dict(line.split() for line in lines.splitlines())

    def restarts(self, job: str) -> int:
        """How often the tasks of a job were begun again."""
        told = self.asks("scontrol", "show", "job", job, check=False)
        return sum(map(int, re.findall(r"Restarts=(\d+)", told)))

    def loses_the_node(self) -> None:
        """The node goes down with all that runs on it, which is requeued, and comes back."""
        (node,) = self.asks("sinfo", "-h", "-o", "%n").split()
        words = ("scontrol", "update", f"NodeName={node}")
        self.asks(*words, "State=DOWN", "Reason=test")
        self.until(lambda: not self.asks("squeue", "-h", "-t", "running,completing"))
        # It may have come back by itself: `ReturnToService`.
        self.asks(*words, "State=RESUME", check=False)
        self.until(lambda: self.asks("sinfo", "-h", "-o", "%t") in ("idle", "mix", "alloc"))

    def _daemon(self, program: str, *words: str) -> None:
        log = (self.folder / f"{program}.out").open("wb")
        with log:
            process = subprocess.Popen(
                [judge(program), *words], env=self._environment(), stdout=log, stderr=log
            )
        self._daemons.append(process)

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf")}

    def _logs(self) -> str:
        return "\n".join(
            f"== {path.name}\n{path.read_text(errors='replace')[-2000:]}"
            for path in sorted(self.folder.glob("*.[lo][ou][gt]"))
        )


@contextlib.contextmanager
def cluster() -> Iterator[Slurm]:
    """A Slurm for the time of a block; the test is skipped where there is none."""
    for program in PROGRAMS:
        judge(program)
    # Sockets have short names, so not in the folder of the test.
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    folder.chmod(0o755)
    slurm = Slurm(folder)
    try:
        slurm.start()
        yield slurm
    finally:
        slurm.stop()
        shutil.rmtree(folder, ignore_errors=True)
