"""DICOM receivers: DCMTK, Orthanc, the sandbox, and one that does what it is told."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, evt
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]
from pynetdicom.transport import ThreadedAssociationServer

from support.ports import free_port
from support.sandbox import XNAT

TITLE = "RECEIVER"


def at(port: int, title: str = TITLE) -> list[str]:
    """The options that name a receiver on this machine."""
    return ["--host", "127.0.0.1", "--port", str(port), "--called-aet", title]


def wait_for(port: int) -> None:
    """Return when something listens."""
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens on port {port}")


def wait_until(holds: Callable[[], object], seconds: float = 30) -> None:
    """Return when it holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def sample(name: str) -> Path:
    """One of the files that pydicom has brought along; nothing is downloaded."""
    found = get_testdata_file(name, download=False)
    assert found is not None, f"pydicom has no {name}"
    return Path(str(found))


@dataclass
class StoreSCP:
    """DCMTK's storescp; `folder` holds the files as they came."""

    program: str
    folder: Path
    port: int
    options: tuple[str, ...]
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Listen."""
        self.process = subprocess.Popen(
            [self.program, *self.options, "-aet", TITLE, "-od", str(self.folder), str(self.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(self.port)

    def kill(self) -> None:
        """End it by SIGKILL: it and the connections that it has."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def received(self) -> dict[str, Path]:
        """The files by their SOP Instance UID."""
        return {path.name.partition(".")[2]: path for path in self.folder.iterdir()}


@dataclass
class Orthanc:
    """Orthanc on free ports of the loopback; its REST API tells what arrived."""

    program: str
    folder: Path
    port: int = 0
    url: str = ""
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Listen, with an empty store."""
        http, self.port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{http}"
        settings = {
            "StorageDirectory": str(self.folder / "orthanc"),
            "HttpBindAddresses": ["127.0.0.1"],
            "HttpPort": http,
            "DicomPort": self.port,
            "DicomAet": TITLE,
            "DicomCheckCalledAet": True,
            "AuthenticationEnabled": False,
            "Plugins": [],
        }
        config = self.folder / "orthanc.json"
        config.write_text(json.dumps(settings))
        self.process = subprocess.Popen(
            [self.program, str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for(http)
        wait_for(self.port)

    def kill(self) -> None:
        """End it by SIGKILL."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def get(self, path: str) -> Any:
        """What its REST API answers."""
        with urlopen(self.url + path, timeout=20) as answer:
            return json.load(answer)

    def files(self) -> dict[str, bytes]:
        """The files that it has, by SOP Instance UID."""
        found = {}
        for entry in self.get("/instances?expand"):
            with urlopen(f"{self.url}/instances/{entry['ID']}/file", timeout=20) as answer:
                found[entry["MainDicomTags"]["SOPInstanceUID"]] = answer.read()
        return found


@dataclass
class Scripted:
    """A receiver that does what it is told; by default it takes everything.

    `answer` gets the event of each C-STORE and returns a status, or a data set with one.
    """

    answer: Callable[[Any], int | Dataset] = lambda event: 0
    requested: Callable[[Any], None] = lambda event: None
    longest_pdu: int = 16384
    syntaxes: Sequence[str] = tuple(ALL_TRANSFER_SYNTAXES)
    classes: Sequence[str] = ()
    tls: Any = None
    port: int = 0
    received: list[tuple[str, bytes]] = field(default_factory=list)
    associations: list[list[tuple[str, str]]] = field(default_factory=list)
    server: ThreadedAssociationServer | None = None

    def start(self) -> Scripted:
        """Listen, on the port of before if there was one."""
        entity = AE(TITLE)
        entity.maximum_pdu_size = self.longest_pdu
        entity.maximum_associations = 100
        entity.require_called_aet = True
        entity.add_supported_context(Verification)
        stored = [cx.abstract_syntax for cx in AllStoragePresentationContexts]
        for uid in {*stored, *self.classes}:
            entity.add_supported_context(UID(str(uid)), list(self.syntaxes))
        handlers: list[Any] = [
            (evt.EVT_REQUESTED, self.requested),
            (evt.EVT_ACCEPTED, self._accepted),
            (evt.EVT_C_STORE, self._store),
        ]
        self.server = entity.start_server(
            ("127.0.0.1", self.port), block=False, evt_handlers=handlers, ssl_context=self.tls
        )
        assert self.server is not None
        self.port = self.server.server_address[1]
        return self

    def stop(self) -> None:
        """Listen no more, and cut the associations."""
        if self.server is not None:
            self.server.shutdown()
            self.server = None

    def _accepted(self, event: Any) -> None:
        proposed = event.assoc.requestor.requested_contexts
        self.associations.append([(cx.abstract_syntax, cx.transfer_syntax[0]) for cx in proposed])

    def _store(self, event: Any) -> int | Dataset:
        uid = str(event.request.AffectedSOPInstanceUID)
        self.received.append((uid, event.encoded_dataset(include_meta=False)))
        return self.answer(event)

    @property
    def uids(self) -> list[str]:
        """SOP Instance UIDs in the order in which they came."""
        return [uid for uid, _ in self.received]


@dataclass
class Archive:
    """The sandbox with a receiver."""

    xnat: XNAT
    port: int
