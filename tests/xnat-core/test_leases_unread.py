"""A file server that is away for a moment lets nobody have what somebody else was seen to hold."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from werkzeug import Request

from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.errors import ResourceNotFoundError
from xnat_core.leases import Lease, take_one
from xnat_core.services.subjects import SubjectService

take = Lease.take


def stale_from(look: int, to: int = 1 << 30) -> Callable[[Lease], bool]:
    """`Lease.take` for which the disk fails from its so manyth call on, by any lease."""
    looks = 0

    def taken(lease: Lease) -> bool:
        nonlocal looks
        looks += 1
        if look <= looks < to:
            raise OSError(errno.ESTALE, "Stale file handle")
        return take(lease)

    return taken


def test_who_waits_goes_on_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Lease(tmp_path).take()
    monkeypatch.setattr(Lease, "take", stale_from(2, 4))
    assert take_one([Lease(tmp_path)], 0.5) is None


def test_a_disk_that_stays_away_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Lease(tmp_path).take()
    monkeypatch.setattr(Lease, "take", stale_from(2))
    with pytest.raises(OSError, match="Stale"):
        take_one([Lease(tmp_path, 0.2)], 60)


def test_a_disk_that_was_never_there_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Lease, "take", stale_from(1))
    with pytest.raises(OSError, match="Stale"):
        take_one([Lease(tmp_path)], 60)


def test_a_merge_does_not_begin_beside_another_one(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one, from the other side, begins when the first is about to delete."""
    for subject, label in (("S1", "MR1"), ("S2", "MR2")):
        xnat.has_session("P1", subject, label)
    failures = list[Exception]()

    def from_the_other_side() -> None:
        with XNATClient(xnat.url, *xnat.admin) as other:
            try:
                SubjectService(other).merge_subjects("P1", "S2", "S1")
            except ResourceNotFoundError as error:
                failures.append(error)

    second = threading.Thread(target=from_the_other_side)

    def begin_the_second(request: Request) -> None:
        if request.method == "DELETE" and "/subjects/" in request.path and not second.ident:
            second.start()
            second.join(1)

    # The first merge looks once.
    monkeypatch.setattr(Lease, "take", stale_from(3, 5))
    xnat.before(begin_the_second)
    with XNATClient(xnat.url, *xnat.admin) as client:
        SubjectService(client).merge_subjects("P1", "S1", "S2")
        second.join(30)
        held = {one["label"] for one in SubjectService(client).get_sessions("S2", "P1")}
    assert (held, len(failures)) == ({"MR1", "MR2"}, 1)
