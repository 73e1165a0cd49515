"""Functions of the caller, called in the midst of work: what they raise comes back as it is.

On its way it would pass what handles errors of the disk and the network: an OSError of a progress
bar would be told as one of the file that is being sent, and a NetworkError be tried again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ContextDecorator
from types import TracebackType
from typing import Generic, TypeVar

from xnat_core import arguments

T = TypeVar("T")


class Raised(BaseException):
    """What a function of the caller has raised, where nothing handles it."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.error = error


class Callback(Generic[T]):
    """A function of the caller, None for none; what has raised is only told of the end."""

    def __init__(self, function: Callable[[T], object] | None) -> None:
        arguments.callback(function)
        self._function = function
        self._raised: Raised | None = None

    def __call__(self, report: T) -> None:
        """Call it. Raises Raised."""
        if self._raised is not None:
            raise self._raised
        if self._function is None:
            return
        try:
            self._function(report)
        except BaseException as error:
            self._raised = Raised(error)
            raise self._raised from error

    def last(self, report: T) -> None:
        """Tell the end, also where it has raised; what came first is what is raised."""
        before, self._raised = self._raised, None
        try:
            self(report)
        except Raised:
            if before is None:
                raise
        if before is not None:
            raise before


class handed_back(ContextDecorator):
    """Raises, as it is, what a `Callback` has raised inside."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(raised, Raised):
            raise raised.error from raised.error.__cause__
