"""Work that follows a stream on a thread of its own, so that the stream need not wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Queue
from types import TracebackType
from typing import Any

from xnat_core.parallel import current_stop, inherit_stop

Piece = Callable[[], object]


class Behind:
    """Does pieces of work in their order on one other thread, at most `room` of them late.

    What a piece raises, the next call of `do` or `wait` raises here, or the end of the `with`
    block; what was to be done after it is dropped. The thread begins with the first piece.
    """

    def __init__(self, room: int = 4) -> None:
        self._pieces: Queue[Piece | None] = Queue(room)
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self._stop = current_stop()

    def __enter__(self) -> Behind:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._thread is None:
            return
        self._pieces.put(None)
        self._thread.join()
        if error is None:
            self._raise()

    def do(self, function: Callable[..., object], *arguments: Any) -> None:
        """Have it done, after all that came before; waits while `room` pieces are open."""
        self._raise()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()
        self._pieces.put(lambda: function(*arguments))

    def wait(self) -> None:
        """Return when all pieces are done; on the thread that does them, they are."""
        if self._thread is not None and threading.current_thread() is not self._thread:
            self._pieces.join()
            self._raise()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        inherit_stop(self._stop)
        while (piece := self._pieces.get()) is not None:
            try:
                if self._error is None:
                    piece()
            except BaseException as error:
                self._error = error
            finally:
                # A piece may hold a block of bytes, which must not stay until the next one comes.
                del piece
                self._pieces.task_done()
