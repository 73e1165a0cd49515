"""Work behind a stream: in order, not too far behind, and nothing that it raises is lost."""

from __future__ import annotations

import threading

import pytest

from xnat_core.behind import Behind
from xnat_core.parallel import Stopped, bounded_map, check_stop


def test_pieces_are_done_in_order_on_one_other_thread() -> None:
    done: list[tuple[int, int]] = []
    with Behind() as behind:
        for number in range(50):
            behind.do(lambda n: done.append((n, threading.get_ident())), number)
    assert [number for number, _ in done] == list(range(50))
    assert {thread for _, thread in done} != {threading.get_ident()}
    assert len({thread for _, thread in done}) == 1


def test_no_more_than_the_room_is_open() -> None:
    go = threading.Event()
    begun: list[int] = []
    with Behind(room=2) as behind:

        def fill() -> None:
            for number in (1, 2, 3):
                behind.do(begun.append, number)
                begun.append(-number)

        behind.do(go.wait)
        filler = threading.Thread(target=fill)
        filler.start()
        filler.join(0.2)
        assert filler.is_alive()
        assert begun == [-1, -2]
        go.set()
        filler.join()
    assert sorted(begun) == [-3, -2, -1, 1, 2, 3]


def test_waiting_is_for_all_pieces_and_not_from_within_one() -> None:
    done: list[int] = []
    with Behind() as behind:
        behind.wait()
        for number in range(20):
            behind.do(done.append, number)
        behind.wait()
        assert len(done) == 20
        behind.do(behind.wait)


def fail() -> None:
    raise ValueError("broken")


def test_the_first_error_is_raised_and_ends_the_work() -> None:
    done: list[int] = []
    with pytest.raises(ValueError, match="broken"), Behind() as behind:
        behind.do(fail)
        behind.do(done.append, 1)
    assert not done
    with Behind() as behind:
        behind.do(fail)
        with pytest.raises(ValueError, match="broken"):
            behind.wait()
        with pytest.raises(ValueError, match="broken"):
            behind.do(done.append, 1)
        behind._error = None  # Told twice: the end of the block need not tell it again.


def test_an_error_of_the_stream_is_not_hidden_by_one_behind_it() -> None:
    with pytest.raises(KeyError), Behind() as behind:
        behind.do(fail)
        raise KeyError


def test_it_stops_with_the_map_it_works_for() -> None:
    looking, stopped = threading.Event(), threading.Event()

    def look() -> None:
        looking.set()
        try:
            while True:
                check_stop()
        except Stopped:
            stopped.set()
            raise

    def work(number: int) -> None:
        if number:
            looking.wait(10)
            return
        with Behind() as behind:
            behind.do(look)

    outcomes = bounded_map(work, [0, 1], workers=2)
    next(outcomes)
    assert not stopped.is_set()
    outcomes.close()
    assert stopped.wait(10)
