"""Whatever happens in whatever order, the next good run has what the server has."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.wrappers import Request, Response

from support.downloads import Downloader, Spoiler, breaks_at
from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.errors import XNATCtlError
from xnat_core.http import retries
from xnat_download.partial import WORTH_RESUMING
from xnat_download.service import DownloadService
from xnat_sandbox.model import Owner

NAMES = ("a", "b", "d/a", "1/a", "1-T1w/a")
CONTENTS = (b"", b"x", b"y", b"x" * 3000, b"z" * 70_000)
EVENTS = st.one_of(
    st.tuples(st.just("put"), st.sampled_from(NAMES), st.sampled_from(CONTENTS)),
    st.tuples(st.just("remove"), st.sampled_from(NAMES)),
    st.tuples(st.just("damage"), st.sampled_from(NAMES), st.sampled_from(CONTENTS)),
    st.tuples(st.just("run")),
    st.tuples(st.just("broken run"), st.integers(0, 90_000), st.integers(0, 5)),
)


class World:
    """A server, a folder, and what may happen to both."""

    def __init__(self, xnat: XNAT, out: Path, label: str) -> None:
        self.xnat = xnat
        self.out = out
        self.label = label
        self.session = xnat.has_session("P1", "S1", label, {"1": {"a": b"first"}})
        scan = xnat.store.items.scans(self.session.id)[0]
        found = xnat.store.resources.find(Owner.of(scan), "DICOM")
        assert found is not None
        self.scan, self.resource = scan, found
        self.break_after: list[int] = []
        self._thread = threading.local()

    @property
    def files(self) -> Path:
        """Where they go."""
        return self.out / self.label / "scans/1/resources/DICOM/files"

    def happens(self, event: tuple[object, ...]) -> None:
        """One of the events."""
        what, *how = event
        actions: dict[object, Callable[..., None]] = {
            "put": self.put,
            "remove": self.remove,
            "damage": self.damage,
            "run": self.run,
            "broken run": self.broken_run,
        }
        actions[what](*how)

    def put(self, name: str, data: bytes) -> None:
        self.xnat.store.resources.put_bytes(self.resource, name, data)

    def remove(self, name: str) -> None:
        path = self.xnat.store.resources.path(self.resource, name)
        number = self.resource.number
        sql = "DELETE FROM file WHERE resource=? AND path=?"
        self.xnat.store.database.execute(sql, (number, name))
        path.unlink(missing_ok=True)

    def damage(self, name: str, data: bytes) -> None:
        path = self.files / name
        if path.exists():
            path.write_bytes(data)

    def run(self) -> None:
        with XNATClient(self.xnat.url, *self.xnat.admin, max_retries=1) as client:
            service = DownloadService(client)
            service.download_session(self.session.id, self.out, workers=2, verify=True)

    def broken_run(self, position: int, times: int) -> None:
        self.break_after = [position] * times
        with suppress(XNATCtlError):
            self.run()
        self.break_after = []

    def fault(self, request: Request) -> Response | None:
        busy = getattr(self._thread, "busy", False)
        if busy or "/resources/" not in request.path or not self.break_after:
            return None
        after = self.break_after.pop()
        self._thread.busy = True
        try:
            answer = self.xnat.app.respond(request)
        finally:
            self._thread.busy = False
        body = b"".join(answer.iter_encoded())
        headers = list(answer.headers.items())
        return Response(breaks_at(after)(body), answer.status_code, headers)


@pytest.fixture
def counter() -> itertools.count[int]:
    """Each example has a session of its own."""
    return itertools.count()


def test_a_random_history_converges(
    xnat: XNAT, counter: itertools.count[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "FIRST_PAUSE", 0.001)
    worlds: list[World] = []

    def hook(request: Request) -> Response | None:
        return worlds[-1].fault(request) if worlds else None

    xnat.before(hook)

    @settings(max_examples=25, deadline=None)
    @given(st.lists(EVENTS, max_size=8))
    def converges(events: list[tuple[object, ...]]) -> None:
        with TemporaryDirectory() as folder:
            world = World(xnat, Path(folder), f"M{next(counter)}")
            worlds.append(world)
            for event in events:
                world.happens(event)
            world.run()
            wanted = xnat.files(world.scan, "DICOM")
            for name, data in wanted.items():
                assert (world.files / name).read_bytes() == data
            assert not list(world.out.rglob("*.part"))

    converges()


def test_a_part_that_no_digest_can_prove_is_not_left(download: Downloader) -> None:
    """It could never be taken up."""
    download.xnat.has_session("P1", "S1", "MR1", {"1": {"a": b"a", "b": b"b" * 4_000_000}})
    download.xnat.store.database.execute("UPDATE file SET digest=''")
    spoiler = Spoiler(download.xnat, "files?format=zip", breaks_at(3_000_000))
    ran = download.session("MR1")
    assert (ran.status, ran.record["files"], spoiler.seen) == (0, 2, 1), ran.err
    assert {name.rpartition("/")[2] for name in download.files("MR1/scans")} == {"a", "b"}


def test_of_several_parts_of_one_file_none_is_left(download: Downloader) -> None:
    """Several killed runs may have left them, in whatever order a disk names them."""
    data = {name: name.encode() * 3_000_000 for name in "abcdef"}
    download.xnat.has_session("P1", "S1", "MR1", {"1": data})
    files = download.out / "MR1/scans/1/resources/DICOM/files"
    files.mkdir(parents=True)
    for name, size in itertools.product(data, (10, WORTH_RESUMING)):
        (files / f".{name}.{size}-0123abcd.part").write_bytes(data[name][:size])
    ran = download.session("MR1")
    assert (ran.status, ran.record["files"]) == (0, 6), ran.err
    assert {path.name: path.read_bytes() for path in files.iterdir()} == data
