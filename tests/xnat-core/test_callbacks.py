"""What a function of the caller raises comes back as it is."""

from __future__ import annotations

import pytest

from xnat_core.callbacks import Callback, Raised, handed_back
from xnat_core.errors import ArgumentError

ERRORS = [ValueError("v"), ConnectionResetError(), StopIteration(), KeyboardInterrupt()]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_passes_all_that_handles_errors(error: BaseException) -> None:
    def fails(report: int) -> None:
        raise error

    with pytest.raises(type(error)) as caught, handed_back():
        try:
            Callback(fails)(1)
        except Exception:
            pytest.fail("it was handled on the way")
    assert caught.value is error
    assert caught.value.__suppress_context__


def test_its_own_cause_is_kept() -> None:
    def fails(report: int) -> None:
        raise ValueError("v") from KeyError("k")

    with pytest.raises(ValueError, match="v") as caught, handed_back():
        Callback(fails)(1)
    assert isinstance(caught.value.__cause__, KeyError)


def test_what_has_raised_is_only_told_of_the_end() -> None:
    calls: list[int] = []

    def fails(report: int) -> None:
        calls.append(report)
        raise ValueError("v")

    told = Callback(fails)
    for report in (1, 2):
        with pytest.raises(Raised):
            told(report)
    assert calls == [1]
    with pytest.raises(Raised):
        told.last(3)
    assert calls == [1, 3]


def test_none_is_not_called_and_what_is_no_function_is_refused() -> None:
    nothing: Callback[int] = Callback(None)
    nothing(1)
    nothing.last(2)
    with pytest.raises(ArgumentError, match="must be a function, not bool"):
        Callback(True)  # type: ignore[arg-type]
