"""Who comes first works alone."""

from __future__ import annotations

import contextlib
import threading

from xnat_core.parallel import FirstAlone


def _at_once(first: FirstAlone, thing: str, succeeds: bool) -> int:
    """How many of three threads are at a thing at once."""
    meeting, lock = threading.Barrier(3), threading.Lock()
    there, most = 0, 0

    def work() -> None:
        nonlocal there, most
        with first.at(thing) as succeeded:
            with lock:
                there += 1
                most = max(most, there)
            with contextlib.suppress(threading.BrokenBarrierError):
                meeting.wait(0.3)
            with lock:
                there -= 1
            if succeeds:
                succeeded()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return most


def test_after_a_first_success_all_others_go_at_once() -> None:
    first = FirstAlone()
    with first.at("thing") as succeeded:
        succeeded()
    assert _at_once(first, "thing", succeeds=True) == 3


def test_until_one_has_succeeded_they_go_one_by_one() -> None:
    first = FirstAlone()
    with first.at("thing"):
        pass
    assert _at_once(first, "thing", succeeds=False) == 1


def test_the_first_at_another_thing_hinders_nobody() -> None:
    first = FirstAlone()
    with first.at("one") as succeeded, first.at("other"):
        succeeded()
