"""What a run must remember goes to a temporary file, which may find no room."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from xnat_core.errors import OperationError
from xnat_download.audit import Known
from xnat_download.disk import Tree
from xnat_download.inventory import Group, Inventory
from xnat_download.names import Names
from xnat_download.places import Place

LONG = "x" * 1000


@contextmanager
def full_disk() -> Iterator[None]:
    """No file can grow, as on a disk that is full; nor can the report of the tests meanwhile."""
    limit, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))


def inventory() -> Callable[[str], object]:
    listed = Inventory()
    return lambda name: listed.add(0, name, 1, None)


def names() -> Callable[[str], object]:
    taken = Names(Tree(Path("nowhere")))
    address = "/data/experiments/E1/resources/R"
    group = Group(0, Place("session"), "R", address, address, "")
    return lambda name: taken.take(name, "http://x", group, name, "")


def audited() -> Callable[[str], object]:
    known = Known()
    return lambda name: known.add({"local_path": name})


@pytest.mark.parametrize("kept", [inventory, names, audited])
def test_a_list_that_finds_no_room_is_told_as_such(
    kept: Callable[[], Callable[[str], object]],
) -> None:
    remember = kept()
    with full_disk(), pytest.raises(OperationError, match="the temporary list of files: "):
        for number in range(20_000):
            remember(f"{number}{LONG}")
