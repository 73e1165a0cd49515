"""The associations of a run: kept open between instances, opened anew when they are lost."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

from xnat_core.errors import DicomStoreError
from xnat_core.parallel import check_stop, rest
from xnat_cstore.association import Association
from xnat_cstore.negotiation import Pair
from xnat_cstore.receiver import Receiver, Rejected, Unanswered

PATIENCE = 30.0
"""Seconds without an answer to anything after which a receiver counts as gone."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0


class Pool:
    """Open associations, at most one for each thread that asks.

    When the receiver is gone, everybody who asks learns it at once.
    """

    def __init__(
        self, receiver: Receiver, wanted: Callable[[Pair], list[Pair]], timeout: float, workers: int
    ) -> None:
        self.receiver = receiver
        self.gone: DicomStoreError | None = None
        self._wanted = wanted
        self._timeout = timeout
        self._workers = workers
        self._resting: list[Association] = []
        self._taken = 0
        self._answers = 0
        self._given_up = 0
        self._closed = False
        self._lock = threading.Lock()

    def take(self, pair: Pair) -> Association:
        """An association that has asked for this pair.

        Waits while the receiver cannot be reached or is busy. Raises DicomStoreError when it is
        gone: when there has been no answer to anybody for `PATIENCE` seconds of trying. While it
        serves another thread it is not, however long that takes. To be given back by `put_back` or
        `drop`.
        """
        association = self._find(pair)
        with self._lock:
            self._taken += 1
        return association

    def _find(self, pair: Pair) -> Association:
        answers, tried, pause = self._answers, 0.0, _FIRST_PAUSE
        while True:
            check_stop()
            if self.gone is not None:
                raise self.gone
            association = self._rested(pair)
            if association is not None:
                return association
            begin = time.monotonic()
            try:
                return Association(self.receiver, self._wanted(pair), self._timeout)
            except DicomStoreError as error:
                if isinstance(error, Rejected) and error.permanent:
                    self.give_up(error)
                tried += time.monotonic() - begin
                if answers != self._answers:
                    answers, tried, pause = self._answers, 0.0, _FIRST_PAUSE
                if isinstance(error, (Rejected, Unanswered)) and self._taken:
                    tried = 0.0
                if tried >= PATIENCE:
                    self.give_up(error)
                slept = pause * random.uniform(0.5, 1)
                rest(slept)
                tried += slept
                pause = min(2 * pause, _LONGEST_PAUSE)

    def put_back(self, association: Association) -> None:
        """Give back an association that has just answered."""
        with self._lock:
            self._taken -= 1
            self._answers += 1
            self._given_up = 0
            if not self._closed:
                self._resting.append(association)
                return
        association.close()

    def drop(self, association: Association) -> None:
        """End an association that is of no use any more."""
        with self._lock:
            self._taken -= 1
        association.close()

    def given_up(self, error: DicomStoreError) -> None:
        """Tell of an instance whose every attempt has cost an association.

        One may be to blame itself; several in a row mean that the receiver is.
        """
        with self._lock:
            self._given_up += 1
            if self._given_up > max(1, self._workers):
                self.gone = self.gone or error

    def give_up(self, error: DicomStoreError) -> None:
        """Raise the error, here and for all who ask after this."""
        self.gone = self.gone or error
        raise self.gone

    def release(self) -> None:
        """End the associations that rest, in good order."""
        while association := self._pop():
            association.release()

    def close(self) -> None:
        """End the associations at once: those that rest, and others when they are given back."""
        with self._lock:
            self._closed = True
        while association := self._pop():
            association.close()

    def _rested(self, pair: Pair) -> Association | None:
        """An association that rests and will do; one that will not is ended in its place."""
        with self._lock:
            fitting = [one for one in self._resting if pair in one.proposed]
            if not self._resting:
                return None
            association = (fitting or self._resting)[-1]
            self._resting.remove(association)
        if not association.is_usable():
            association.close()
        elif pair in association.proposed:
            return association
        else:
            association.release()
        return None

    def _pop(self) -> Association | None:
        with self._lock:
            return self._resting.pop() if self._resting else None
