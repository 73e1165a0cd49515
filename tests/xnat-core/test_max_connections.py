"""A limit for the connections of all processes of a user."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from support.listings import listing
from support.sandbox import XNAT
from support.scripted import answer, scripted
from xnat_core.auth import AuthManager
from xnat_core.client import XNATClient
from xnat_core.config import Config
from xnat_core.connect import connect
from xnat_core.errors import NetworkError
from xnat_core.http.door import ServerDoor
from xnat_core.targets import resolve
from xnat_core.user_paths import cache_dir

ASK = """\
import sys
from concurrent.futures import ThreadPoolExecutor
from xnat_core.client import XNATClient
client = XNATClient(sys.argv[1], "admin", "admin", max_connections=3)
with ThreadPoolExecutor(4) as pool:
    list(pool.map(lambda _: client.get_json("/data/projects"), range(5)))
client.close()
"""

HOLD = """\
import sys, time
from xnat_core.client import XNATClient
client = XNATClient(sys.argv[1], "admin", "admin", max_connections=1)
with client.stream(sys.argv[2]):
    print("holding", flush=True)
    time.sleep(60)
"""


class Watch:
    """Counts the requests that a server works on at the same time."""

    def __init__(self, xnat: XNAT) -> None:
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()
        xnat.before(self._enter)

    def _enter(self, request: Request) -> Response | None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(0.05)
        with self._lock:
            self._now -= 1
        return None


def test_processes_share_the_limit(xnat: XNAT) -> None:
    watch = Watch(xnat)
    processes = [subprocess.Popen([sys.executable, "-c", ASK, xnat.url]) for _ in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
    assert 1 < watch.most <= 3


def test_no_connection_is_kept_where_its_place_is_given_back(xnat: XNAT) -> None:
    with XNATClient(xnat.url, "admin", "admin", max_connections=2) as client:
        client.get_json("/data/projects")
    assert {r.headers.get("Connection") for r in xnat.requests()} == {"close"}


def test_without_a_limit_there_are_no_leases(xnat: XNAT) -> None:
    with XNATClient(xnat.url, "admin", "admin") as client:
        client.get_json("/data/projects")
    assert not (cache_dir() / "connections").exists()


def test_who_reads_a_listing_leaves_its_place_to_those_who_work_on_the_rows(xnat: XNAT) -> None:
    for number in range(30):
        xnat.has_project(f"P{number}")
    client = XNATClient(xnat.url, "admin", "admin", max_connections=1)
    with client, ThreadPoolExecutor(1) as pool:
        rows = client.iter_rows("/data/projects", {"format": "json"})
        first = next(iter(rows))
        asked = pool.submit(client.get_json, f"/data/projects/{first['ID']}")
        assert asked.result(timeout=20)


@pytest.mark.parametrize("named", [{"Content_Type": "text/plain"}, {}])
def test_a_listing_leaves_its_place_whatever_its_type_is_called(named: dict[str, str]) -> None:
    body = listing([{"ID": "P1"}, {"ID": "P2"}])
    with scripted(answer(body, 200, **named), answer(b"[]")) as server:
        client = XNATClient(server.url, max_connections=1)
        with client, ThreadPoolExecutor(1) as pool:
            rows = client.iter_rows("/data/projects")
            first = next(rows)
            asked = pool.submit(client.json, f"/xapi/{first['ID']}")
            try:
                assert asked.result(timeout=5) == []
            finally:
                list(rows)


def test_a_body_that_is_read_keeps_its_place_until_it_is_closed(xnat: XNAT) -> None:
    session = xnat.has_session("P1", "S1", "E1", scans={"1": {"a.dcm": b"x" * 4_000_000}})
    where = f"/data/experiments/{session.id}/scans/1/resources/DICOM/files/a.dcm"
    with XNATClient(xnat.url, "admin", "admin", max_connections=1) as client:
        with ThreadPoolExecutor(1) as pool, client.stream(where):
            other = pool.submit(client.get_json, "/data/projects")
            with pytest.raises(TookTooLong):
                other.result(timeout=0.5)
        assert other.result(timeout=20)


def test_what_streams_from_a_server_may_ask_it_by_another_client(xnat: XNAT) -> None:
    session = xnat.has_session("P1", "S1", "E1", scans={"1": {"a.dcm": b"x" * 4_000_000}})
    where = f"/data/experiments/{session.id}/scans/1/resources/DICOM/files/a.dcm"
    found: list[object] = []

    def from_one_to_the_other() -> None:
        with (
            XNATClient(xnat.url, *xnat.admin, max_connections=1) as one,
            XNATClient(xnat.url, *xnat.admin, max_connections=1) as other,
            one.stream(where),
        ):
            found.append(other.get_json("/data/projects"))

    work = threading.Thread(target=from_one_to_the_other, daemon=True)
    work.start()
    work.join(20)
    assert len(found) == 1


def test_a_place_ends_with_the_process_that_had_it(xnat: XNAT) -> None:
    holder = holding(xnat)
    client = XNATClient(xnat.url, "admin", "admin", max_connections=1)
    with client, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(client.get_json, "/data/projects")
        with pytest.raises(TookTooLong):
            asked.result(timeout=1)
        holder.kill()
        holder.communicate()
        assert asked.result(timeout=5)


def test_a_place_of_a_machine_that_is_not_heard_of_ends_in_time(xnat: XNAT) -> None:
    holder = holding(xnat)
    holder.kill()
    holder.communicate()
    (held,) = (cache_dir() / "connections").glob("*/0000/0*")
    held.write_text(held.read_text().replace('"host": "', '"host": "elsewhere-'))
    age(held, 25)
    client = XNATClient(xnat.url, "admin", "admin", max_connections=1)
    with client, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(client.get_json, "/data/projects")
        with pytest.raises(TookTooLong):
            asked.result(timeout=1)
        age(held, 31)
        assert asked.result(timeout=5)


def all_end(*tasks: Callable[[], object]) -> bool:
    """Whether all of these come to their end when they are begun together."""
    work = [threading.Thread(target=task, daemon=True) for task in tasks]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join(10)
    return not any(thread.is_alive() for thread in work)


def holding(xnat: XNAT) -> subprocess.Popen[bytes]:
    """A process that reads a large body slowly."""
    session = xnat.has_session("P1", "S1", "E1", scans={"1": {"a.dcm": b"x" * 9_000_000}})
    where = f"/data/experiments/{session.id}/scans/1/resources/DICOM/files/a.dcm"
    words = [sys.executable, "-c", HOLD, xnat.url, where]
    holder = subprocess.Popen(words, stdout=subprocess.PIPE)
    assert holder.stdout is not None and holder.stdout.readline() == b"holding\n"
    return holder


def age(held: Path, seconds: float) -> None:
    """The last sign of life was so long ago."""
    past = time.time() - seconds
    os.utime(held, (past, past))


def test_a_profile_can_set_the_limit(xnat: XNAT, tmp_path: Path) -> None:
    config = Config()
    config.add_profile("lab", xnat.url)
    config.profiles["lab"].max_connections = 2
    config.save()
    target = resolve(profile="lab", username="admin", password="admin")
    with connect(target) as client:
        client.get_json("/data/projects")
    assert (cache_dir() / "connections").exists()


def test_a_doubt_that_nobody_settles_gives_the_place_back(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xnat_core.http.retries._sleep", lambda seconds: None)
    pages: list[Request] = []

    def page_and_then_maintenance(request: Request) -> Response | None:
        if request.path == "/data/page":
            pages.append(request)
            return Response("<html>Welcome</html>", mimetype="text/html")
        return Response("", 503) if len(pages) == 2 else None

    xnat.before(page_and_then_maintenance)
    with (
        XNATClient(xnat.url, *xnat.admin, max_connections=1) as client,
        ThreadPoolExecutor(1) as another,
    ):
        with pytest.raises(NetworkError):
            client.get("/data/page", stream=True)
        pages.clear()
        assert another.submit(client.whoami).result(10)["username"] == "admin"


@pytest.mark.parametrize(("method", "tail"), [("GET", ""), ("PUT", "/NOTES")])
def test_a_request_and_an_answer_that_is_read_do_not_wait_for_each_other(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch, method: str, tail: str
) -> None:
    """Both ask whose session it is that was given; one has the only place meanwhile."""
    session = xnat.has_session("P1", "S1", "E1", scans={"1": {"a.dcm": b"x"}})
    scan = f"/data/experiments/{session.id}/scans/1/resources"
    under_way = threading.Event()
    asks = ServerDoor.is_nobody

    def late(door: ServerDoor, token: str) -> bool:
        under_way.set()
        time.sleep(0.5)  # The other one gets the place meanwhile, if that is free.
        return asks(door, token)

    monkeypatch.setattr(ServerDoor, "is_nobody", late)
    with XNATClient(xnat.url, *xnat.admin) as known:
        token = known.login_in_use()
        client = XNATClient(xnat.url, session_token=token, max_connections=1)

        def ask() -> None:
            client.request(method, scan + tail)

        def read() -> None:
            under_way.wait(20)
            with client.stream(f"{scan}/DICOM/files/a.dcm") as answer:
                b"".join(answer.blocks())

        assert all_end(ask, read)


def test_who_logs_in_again_and_who_reads_an_answer_do_not_wait_for_each_other(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both were refused once; the one who reads has the only place."""
    session = xnat.has_session("P1", "S1", "E1", scans={"1": {"a.dcm": b"x"}})
    scan = f"/data/experiments/{session.id}/scans/1/resources"
    under_way = threading.Event()
    refused = {scan, f"{scan}/DICOM/files"}
    asks = ServerDoor.is_alive

    def refuse(request: Request) -> Response | None:
        if request.path not in refused:
            return None
        refused.remove(request.path)
        return Response("", 401)

    def late(door: ServerDoor, token: str) -> bool:
        under_way.set()
        time.sleep(0.5)  # The other one gets the place meanwhile, if that is free.
        return asks(door, token)

    monkeypatch.setattr(ServerDoor, "is_alive", late)
    xnat.before(refuse)
    with XNATClient(xnat.url, *xnat.admin, max_connections=1) as client:
        client.whoami()

        def ask() -> None:
            client.rows(scan)

        def read() -> None:
            under_way.wait(20)
            with client.stream(f"{scan}/DICOM/files/a.dcm") as answer:
                client.rows(f"{scan}/DICOM/files")
                b"".join(answer.blocks())

        assert all_end(ask, read)


@pytest.mark.parametrize(
    ("method", "asked"), [("authenticate", "log_in"), ("invalidate_session", "log_out")]
)
def test_a_login_that_is_asked_for_and_one_that_is_needed_do_not_wait_for_each_other(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch, method: str, asked: str
) -> None:
    under_way = threading.Event()
    asks = getattr(ServerDoor, asked)

    def late(door: ServerDoor, *words: str) -> object:
        under_way.set()
        time.sleep(0.5)  # The other one gets the place meanwhile, if that is free.
        return asks(door, *words)

    client = XNATClient(xnat.url, *xnat.admin, max_connections=1)
    if method == "invalidate_session":
        client.authenticate()
    monkeypatch.setattr(ServerDoor, asked, late)

    def need() -> None:
        under_way.wait(20)
        client.whoami()

    assert all_end(getattr(client, method), need)


def test_who_waits_for_a_place_keeps_nobody_from_the_logins(xnat: XNAT) -> None:
    """They are those of all servers."""
    config = Config()
    config.add_profile("lab", xnat.url)
    config.profiles["lab"].max_connections = 1
    config.save()
    holder = holding(xnat)
    with connect(resolve(profile="lab", username="admin", password="admin")) as client:
        waiting = threading.Thread(target=client.whoami, daemon=True)
        waiting.start()
        time.sleep(0.5)
        with AuthManager().lock(timeout=2) as locked:
            assert (waiting.is_alive(), locked) == (True, True)
        holder.kill()
        holder.wait()
        waiting.join(20)
        assert not waiting.is_alive()
