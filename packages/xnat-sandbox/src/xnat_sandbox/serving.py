"""Running a sandbox from the command line: until interrupted, or round a command."""

from __future__ import annotations

import fcntl
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from .app import Sandbox
from .httpd import WebServer
from .scp_routes import scp_ports
from .seed import seed
from .settings import Settings
from .store import DATABASE

if TYPE_CHECKING:
    from .cli import Options

SIGNALLED = 128
# What would lead the tools to another server than this, or to it with another login: XNAT_PROFILE
# wins over XNAT_URL.
_OF_OTHERS = ("XNAT_PROFILE", "XNAT_TOKEN", "XNAT_TOKEN_FILE")


def serve(options: Options, say: Callable[[str], int]) -> int:
    """Listen until SIGINT or SIGTERM. `say` prints the URL; its status is the end if it cannot."""
    stopped = threading.Event()
    received: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        received.append(number)
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    with _running(options) as (server, sandbox):
        if status := say(server.url):
            return status
        if sys.stderr.isatty():
            _note(_greeting(options))
        for port in scp_ports(sandbox):
            _note(f"DICOM receiver XNAT on {options.host}:{port}")
        stopped.wait()
    return SIGNALLED + received[0]


def run_command(options: Options) -> int:
    """Run a command beside a sandbox; answers its status."""
    with _running(options) as (server, sandbox):
        environment = {
            **_own_environment(),
            "XNAT_URL": server.url,
            "XNAT_USER": "admin",
            "XNAT_PASS": "admin",
        }
        for port in scp_ports(sandbox)[:1]:
            environment |= {
                "XNAT_DICOM_HOST": options.host,
                "XNAT_DICOM_PORT": str(port),
                "XNAT_DICOM_CALLED_AET": "XNAT",
            }
        # A terminal sends Ctrl-C to the command as well: it decides what to make of it.
        signal.signal(signal.SIGINT, lambda number, frame: None)
        try:
            child = subprocess.Popen(options.command, env=environment)
        except FileNotFoundError:
            _note(f"{options.command[0]}: no such command")
            return 127
        signal.signal(signal.SIGTERM, lambda number, frame: child.terminate())
        status = child.wait()
    return SIGNALLED - status if status < 0 else status


def _own_environment() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if name not in _OF_OTHERS and not name.startswith("XNAT_DICOM_")
    }


@contextmanager
def _running(options: Options) -> Iterator[tuple[WebServer, Sandbox]]:
    with _data(options) as data:
        settings = Settings(version=options.version)
        settings.scp_port, settings.scp_host = options.scp_port, options.host
        if not options.slow:
            settings.rebuild_idle, settings.rebuild_repeat = 2, 0.5
        try:
            sandbox = Sandbox(data, settings)
        except sqlite3.DatabaseError as error:
            raise OSError(f"{data / DATABASE}: {error}") from error
        try:
            server = WebServer(sandbox, options.host, options.port)
            sandbox.store.preferences.set("siteUrl", server.url)
            _warn_when_open(options.host)
            server.start()
            try:
                if options.seed:
                    seed(sandbox)
                yield server, sandbox
            finally:
                server.stop()
        finally:
            sandbox.close()


@contextmanager
def _data(options: Options) -> Iterator[Path]:
    if options.data:
        options.data.mkdir(parents=True, exist_ok=True)
        with (options.data / ".lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                # It would take what the other is doing for what a kill has left undone.
                raise OSError(f"{options.data}: another sandbox is using it") from None
            except OSError:
                pass  # A file system that knows no locks is no reason not to begin.
            yield options.data
        return
    with tempfile.TemporaryDirectory(prefix="xnat-sandbox-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def _greeting(options: Options) -> str:
    where = options.data
    kept = f"the data stay in {where}" if where else "and the data with it (--data DIR keeps them)"
    reach = "; only this machine reaches it" if _is_local(options.host) else ""
    return f"log in as admin, password admin{reach}; Ctrl-C ends it, {kept}"


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _warn_when_open(host: str) -> None:
    if not _is_local(host):
        _note(f"warning: listening on {host}, everybody who reaches it can log in as admin")


def _note(message: str) -> None:
    sys.stderr.write(f"xnat-sandbox: {message}\n")
    sys.stderr.flush()
