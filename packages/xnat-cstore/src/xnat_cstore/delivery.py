"""Bring instances to a receiver, over several associations at once."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import TypeVar

from xnat_core.errors import DicomError, DicomStoreError, UploadError, XNATCtlError
from xnat_core.parallel import bounded_map, rest
from xnat_cstore.association import Association
from xnat_cstore.contexts import Wanted, forms_of, in_rounds
from xnat_cstore.copies import payload_of
from xnat_cstore.dimse import Answer
from xnat_cstore.instance import Instance
from xnat_cstore.pool import Pool
from xnat_cstore.receiver import InstanceRefused, Lost, Receiver, Silent
from xnat_cstore.routing import Route
from xnat_cstore.statuses import explained, is_stored, may_pass
from xnat_cstore.syntaxes import name_of

T = TypeVar("T")

_ATTEMPTS = 3
"""How many associations one instance may cost; a silence counts for more than one."""
_SILENCE_COUNTS = 2
_PAUSES_WHEN_FULL = (0.5, 1.0, 2.0)
_FULL_FOR_GOOD = 3
"""How many instances in a row are waited for in vain before no more are."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of one instance; `error` is None when the receiver has it."""

    instance: Instance
    size: int = 0
    seconds: float = 0.0
    answer: Answer | None = None
    error: XNATCtlError | None = None


@dataclass(frozen=True, slots=True)
class Manner:
    """How to send: seconds to wait for an answer, how many at once, what to do to the copies."""

    workers: int = 4
    timeout: float = 120.0
    route: Route = field(default_factory=Route)
    transcode: bool = False


def deliver(
    items: Iterable[T | Instance], receiver: Receiver, manner: Manner
) -> Iterator[T | Delivered]:
    """Send the instances among `items` as they come; everything else is handed on.

    Raises DicomStoreError when the receiver is gone; what it has not answered until then may have
    arrived or not.
    """
    wanted = Wanted(transcode=manner.transcode)
    pool = Pool(receiver, wanted, manner.timeout, manner.workers)
    sender = _Sender(pool, manner)

    def send(item: T | Instance) -> T | Delivered:
        return sender.send(item) if isinstance(item, Instance) else item

    try:
        rounds = in_rounds(items, wanted)
        with closing(bounded_map(send, rounds, workers=manner.workers)) as outcomes:
            for outcome in outcomes:
                if pool.gone is not None and outcome.error is pool.gone:
                    raise pool.gone
                yield outcome.result()
        pool.release()
    finally:
        pool.close()


class _Sender:
    def __init__(self, pool: Pool, manner: Manner) -> None:
        self._pool = pool
        self._manner = manner
        self._full = 0

    def send(self, instance: Instance) -> Delivered:
        """Send one instance, over as many associations as it takes, up to a limit.

        Raises DicomStoreError when the receiver is gone.
        """
        begin = time.monotonic()
        attempts = 0
        while True:
            association = self._pool.take(instance.pair)
            try:
                size, answer = self._store(association, instance, sent_before=attempts > 0)
            except Lost as error:
                self._pool.drop(association)
                attempts += _SILENCE_COUNTS if isinstance(error, Silent) else 1
                if attempts >= _ATTEMPTS:
                    self._pool.given_up(error)
                    return Delivered(instance, error=_blamed(instance, error))
                continue
            except DicomStoreError as error:
                self._pool.put_back(association)
                return Delivered(instance, error=error)
            except (UploadError, DicomError) as error:
                # The association may have been ended in the middle of the instance.
                self._pool.drop(association)
                return Delivered(instance, error=error)
            except BaseException:
                self._pool.drop(association)
                raise
            self._pool.put_back(association)
            seconds = time.monotonic() - begin
            error_of = None if is_stored(answer) else _refused(instance, answer)
            return Delivered(instance, size, seconds, answer, error_of)

    def _store(
        self, association: Association, instance: Instance, *, sent_before: bool
    ) -> tuple[int, Answer]:
        """Bytes sent, and the answer; one that asks for patience is given some."""
        context, syntax = self._agreed(association, instance)
        pauses = iter(_PAUSES_WHEN_FULL if self._full < _FULL_FOR_GOOD else ())
        while True:
            with payload_of(instance, syntax, self._manner.route) as payload:
                answer = association.store(context, instance.sop_class, instance.uid, payload)
            if not may_pass(answer, sent_before=sent_before):
                self._full = 0
                return payload.size, answer
            pause = next(pauses, None)
            if pause is None:
                self._full += 1
                return payload.size, answer
            rest(pause)

    def _agreed(self, association: Association, instance: Instance) -> tuple[int, str]:
        """Context and transfer syntax for an instance. Raises InstanceRefused."""
        for pair in forms_of(instance.pair, self._manner.transcode):
            if pair in association.contexts:
                return association.contexts[pair], pair[1]
        receiver = self._pool.receiver
        raise InstanceRefused(
            f"{instance.path}: {receiver.called_aet} does not take {name_of(instance.sop_class)} "
            f"in the transfer syntax {name_of(instance.syntax)}",
            receiver.host,
            receiver.port,
        )


def _refused(instance: Instance, answer: Answer) -> InstanceRefused:
    return InstanceRefused(f"{instance.path}: refused with status {explained(answer)}")


def _blamed(instance: Instance, error: Lost) -> InstanceRefused:
    return InstanceRefused(
        f"{instance.path}: given up, every attempt ended the association: {error.message}"
    )
