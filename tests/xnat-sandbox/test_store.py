"""The store: restarts, kills, threads, big files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from xnat_sandbox.database import Database
from xnat_sandbox.model import Owner
from xnat_sandbox.store import Store

UPLOADS_FOR_EVER = """
import sys
from pathlib import Path
from xnat_sandbox.model import Owner
from xnat_sandbox.store import Store
store = Store(Path(sys.argv[1]))
store.items.create_project("P1")
session = store.items.create_experiment("P1", "MR1", "xnat:mrSessionData")
resource = store.resources.create(Owner.of(session), "R")
number = 0
while True:
    store.resources.put(resource, f"{number}", store.disk.stage([b"x" * 1000]))
    number += 1
    if number == 20:
        print("going", flush=True)
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    store = Store(tmp_path / "data")
    yield store
    store.close()


def test_a_restart_finds_everything(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.items.create_project("P1")
    session = store.items.create_experiment("P1", "MR1", "xnat:mrSessionData")
    resource = store.resources.create(Owner.of(session), "R")
    store.resources.put_bytes(resource, "a.txt", b"hello")
    store.close()
    again = Store(tmp_path)
    assert again.items.experiment_in("P1", "MR1") == session
    assert again.resources.path(resource, "a.txt").read_bytes() == b"hello"
    again.close()


def test_a_kill_leaves_catalog_and_disk_in_step(tmp_path: Path) -> None:
    command = [sys.executable, "-c", UPLOADS_FOR_EVER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()
        os.kill(child.pid, signal.SIGKILL)
    store = Store(tmp_path)
    resource = store.resources.number(1)
    assert resource
    entries = store.resources.files(resource)
    assert resource.file_count == len(entries) >= 20
    for entry in entries:
        assert store.resources.path(resource, entry.path).stat().st_size == entry.size
    assert list((tmp_path / "staging").iterdir()) == []
    store.close()


def test_a_move_interrupted_after_its_commit_is_made_good(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.items.create_project("P1")
    session = store.items.create_experiment("P1", "MR1", "xnat:mrSessionData")
    resource = store.resources.create(Owner.of(session), "R")
    store.resources.put_bytes(resource, "a.txt", b"hello")
    store.items.update_experiment(session.id, label="MR2")
    names = ("archive/P1/arc001/MR1", "archive/P1/arc001/MR2")
    store.database.execute("INSERT INTO pending_move VALUES (?,?)", names)
    store.close()
    again = Store(tmp_path)
    assert again.resources.path(resource, "a.txt").read_bytes() == b"hello"
    again.close()


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    with pytest.raises(RuntimeError), store.database.transaction():
        store.items.create_project("P1")
        raise RuntimeError
    assert store.items.project("P1") is None


def test_many_threads_may_write(store: Store) -> None:
    store.items.create_project("P1")
    session = store.items.create_experiment("P1", "MR1", "xnat:mrSessionData")

    def work(number: int) -> None:
        resource = store.resources.ensure(Owner.of(session), "R")
        for part in range(20):
            store.resources.put_bytes(resource, f"{number}/{part}", b"x")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (resource,) = store.resources.of(Owner.of(session))
    assert resource.file_count == 160


def test_big_files_take_no_memory(store: Store) -> None:
    block = bytes(1 << 20)
    tracemalloc.start()
    staged = store.disk.stage(block for _ in range(200))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert staged.size == 200 << 20
    assert peak < 8 << 20


@pytest.mark.parametrize("path", ["../x", "/../x", "a/../../x", ""])
def test_no_path_leaves_its_resource(store: Store, path: str) -> None:
    store.items.create_project("P1")
    resource = store.resources.ensure(Owner("project", "P1"), "R")
    with pytest.raises(ValueError, match="illegal path"):
        store.resources.put_bytes(resource, path, b"x")


def test_a_connection_in_use_is_closed_by_who_uses_it(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.db")
    database.add_schema("CREATE TABLE IF NOT EXISTS n (i INTEGER);")
    database.execute_many("INSERT INTO n VALUES (?)", [(i,) for i in range(100)])
    rows = database.stream("SELECT i FROM n")
    next(rows)
    database.close()
    assert len(list(rows)) == 99
