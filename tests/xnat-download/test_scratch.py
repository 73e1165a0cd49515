"""What a run must remember goes to a temporary file, which may find no room."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support.full_disk import full_disk
from xnat_core.errors import OperationError
from xnat_download.audit import Known
from xnat_download.disk import Tree
from xnat_download.inventory import Group, Inventory
from xnat_download.names import Names
from xnat_download.places import Place

LONG = "x" * 1000


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
