"""Receivers for the tests of this tool, started as a test needs them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.judges import judge
from support.ports import free_port
from support.receivers import Archive, Orthanc, Scripted, StoreSCP
from support.sandbox import FAST, XNAT
from xnat_cstore import pool
from xnat_cstore.cli import main
from xnat_sandbox.samples import write_series
from xnat_sandbox.scp_routes import scp_ports

Records = list[dict[str, Any]]
Run = Callable[..., tuple[int, Records, str]]
MakeXNAT = Callable[..., XNAT]
MakeSCP = Callable[..., Scripted]
MakeStoreSCP = Callable[..., StoreSCP]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run the tool, with records on standard input if any are given."""

    def tool(*argv: object, records: Records | None = None) -> tuple[int, Records, str]:
        text = "".join(json.dumps(record) + "\n" for record in records or [])
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        status = main([str(word) for word in argv])
        out, err = capfd.readouterr()
        return status, [json.loads(line) for line in out.splitlines()], err

    return tool


@pytest.fixture
def make_storescp(tmp_path: Path) -> Iterator[Callable[..., StoreSCP]]:
    """Start storescp with options; it takes everything and changes nothing."""
    running: list[StoreSCP] = []

    def make(*options: str, transfer: Sequence[str] = ("+xa",)) -> StoreSCP:
        folder = tmp_path / f"received{len(running)}"
        folder.mkdir()
        words = ("+B", *transfer, *options)
        running.append(StoreSCP(judge("storescp"), folder, free_port(), words))
        running[-1].start()
        return running[-1]

    yield make
    for receiver in running:
        if receiver.process is not None and receiver.process.poll() is None:
            receiver.kill()


@pytest.fixture
def storescp(make_storescp: Callable[..., StoreSCP]) -> StoreSCP:
    """One that serves each association by a process of its own."""
    return make_storescp("--fork")


@pytest.fixture
def orthanc(tmp_path: Path) -> Iterator[Orthanc]:
    """An empty Orthanc on free ports of the loopback."""
    receiver = Orthanc(judge("Orthanc"), tmp_path)
    receiver.start()
    yield receiver
    receiver.kill()


@pytest.fixture
def make_scp() -> Iterator[Callable[..., Scripted]]:
    """Start receivers that do what they are told."""
    running: list[Scripted] = []

    def make(**script: Any) -> Scripted:
        running.append(Scripted(**script).start())
        return running[-1]

    yield make
    for receiver in running:
        receiver.stop()


@pytest.fixture
def scp(make_scp: Callable[..., Scripted]) -> Scripted:
    """One that takes everything."""
    return make_scp()


@pytest.fixture
def archive(make_xnat: MakeXNAT) -> Archive:
    """An XNAT that takes DICOM, with the project P1."""
    xnat = make_xnat(replace(FAST, scp_port=0))
    xnat.has_project("P1")
    (port,) = scp_ports(xnat.app)
    return Archive(xnat, port)


@pytest.fixture(autouse=True)
def no_receiver_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stock sockets, whatever the caller's shell says."""
    monkeypatch.delenv("TCP_NODELAY", raising=False)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second of patience instead of half a minute."""
    monkeypatch.setattr(pool, "PATIENCE", 1.0)


@pytest.fixture
def series(tmp_path: Path) -> list[Path]:
    """Six slices of one study, in the folder `sent`."""
    return write_series(tmp_path / "sent", instances=6)
