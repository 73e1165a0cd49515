"""How often an instance is tried, and when nobody waits for a receiver any more."""

from __future__ import annotations

from typing import Any, cast

import pytest

from xnat_core.errors import DicomStoreError
from xnat_cstore import pool
from xnat_cstore.association import Association
from xnat_cstore.delivery import Manner, _Sender
from xnat_cstore.instance import Instance
from xnat_cstore.pool import Pool
from xnat_cstore.receiver import Lost, Receiver, Silent

RECEIVER = Receiver("127.0.0.1", 104, "XNAT")


class Stub:
    """An association, or an instance, of which nothing is asked but this."""

    pair, path, proposed = ("class", "syntax"), "a.dcm", frozenset[Any]()

    def is_usable(self) -> bool:
        return True

    def close(self) -> None:
        """Nothing is open."""

    release = close


class Associations(Pool):
    """A pool that has associations for whoever asks, and counts them."""

    taken = 0

    def _find(self, pair: Any) -> Association:
        self.taken += 1
        return cast(Association, Stub())


@pytest.mark.parametrize(("kind", "times"), [(Lost, 3), (Silent, 2)])
def test_a_silence_counts_for_more_than_a_lost_association(
    kind: type[Lost], times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise kind(RECEIVER, "no answer")

    monkeypatch.setattr(_Sender, "_store", fail)
    there = Associations(RECEIVER, lambda pair: [pair], 1, 1)
    sent = _Sender(there, Manner()).send(cast(Instance, Stub()))
    assert (there.taken, sent.error is not None) == (times, True)


class Enough(Exception):
    """It has been waited for longer than for a receiver that is gone."""


@pytest.mark.parametrize("answers", [True, False])
def test_a_receiver_that_answers_others_meanwhile_is_not_gone(
    answers: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = Pool(RECEIVER, lambda pair: [pair], 1, 2)
    waited: list[float] = []

    def refuse(*_: object) -> None:
        raise RECEIVER.error("connection refused")

    def rest(seconds: float) -> None:
        waited.append(seconds)
        if sum(waited) > 3 * pool.PATIENCE:
            raise Enough
        if answers:
            # As another thread does, which has an association that works.
            with there._lock:
                there._taken += 1
            there.put_back(cast(Association, Stub()))

    monkeypatch.setattr(pool, "Association", refuse)
    monkeypatch.setattr(pool, "rest", rest)
    with pytest.raises(Enough if answers else DicomStoreError):
        there.take(Stub.pair)
