"""What is said to open an association: the PDUs of pynetdicom, without its reactor.

Its association runs two threads that look a thousand times a second whether there is something to
do, queues a whole data set before it sends, and logs why a connection failed instead of telling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xnat_cstore.receiver import Receiver, Rejected

Pair = tuple[str, str]
"""SOP class and transfer syntax."""

MOST_CONTEXTS = 128
VERIFICATION: Pair = ("1.2.840.10008.1.1", "1.2.840.10008.1.2")
ACCEPTED_PDU, REJECTED_PDU = 0x02, 0x03

_APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
# UIDs below 2.25 are UUIDs (PS3.5 B.2).
_IMPLEMENTATION = "2.25.252613586361117530741513062318417466907"
_VERSION_NAME = "XNATCTL"
_LARGEST_ANSWER = 16384
_BY_USER = 1
_TRANSIENT = 2
_CALLING_UNKNOWN, _CALLED_UNKNOWN = 3, 7


@dataclass(frozen=True, slots=True)
class Agreement:
    """What the receiver agreed to: the context of each pair, the length of a PDU (0: any)."""

    contexts: dict[Pair, int]
    longest_pdu: int


def request(receiver: Receiver, pairs: Sequence[Pair]) -> bytes:
    """The PDU that asks for an association with one presentation context for each pair."""
    from pydicom.uid import UID
    from pynetdicom.pdu import A_ASSOCIATE_RQ
    from pynetdicom.pdu_primitives import (
        A_ASSOCIATE,
        ImplementationClassUIDNotification,
        ImplementationVersionNameNotification,
        MaximumLengthNotification,
    )
    from pynetdicom.presentation import build_context

    length = MaximumLengthNotification()
    length.maximum_length_received = _LARGEST_ANSWER
    implementation = ImplementationClassUIDNotification()
    implementation.implementation_class_uid = UID(_IMPLEMENTATION)
    version = ImplementationVersionNameNotification()
    version.implementation_version_name = _VERSION_NAME

    wish = A_ASSOCIATE()
    wish.application_context_name = UID(_APPLICATION_CONTEXT)
    wish.calling_ae_title = receiver.calling_aet
    wish.called_ae_title = receiver.called_aet
    contexts = []
    for (sop_class, syntax), number in _numbered(pairs):
        context = build_context(sop_class, syntax)
        context.context_id = number
        contexts.append(context)
    wish.presentation_context_definition_list = contexts
    wish.user_information = [length, implementation, version]
    return bytes(A_ASSOCIATE_RQ(wish).encode())


def agreement(receiver: Receiver, pairs: Sequence[Pair], kind: int, pdu: bytes) -> Agreement:
    """What an answer comes to: its PDU type and what follows its length. Raises Rejected."""
    from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RJ

    answer: Any = A_ASSOCIATE_AC() if kind == ACCEPTED_PDU else A_ASSOCIATE_RJ()
    try:
        answer.decode(bytes([kind, 0]) + len(pdu).to_bytes(4, "big") + pdu)
        if kind == REJECTED_PDU:
            raise _rejected(receiver, answer)
        numbers = {
            context.context_id
            for context in answer.to_primitive().presentation_context_definition_results_list
            if context.result == 0
        }
        longest = int(answer.user_information.maximum_length or 0)
    except Rejected:
        raise
    except Exception as error:
        # The decoder reports damage in many ways: struct, value, key, type errors.
        raise receiver.error(
            f"it speaks broken DICOM: its answer cannot be read ({error})"
        ) from error
    contexts = {pair: number for pair, number in _numbered(pairs) if number in numbers}
    return Agreement(contexts, longest)


def _numbered(pairs: Sequence[Pair]) -> list[tuple[Pair, int]]:
    """Contexts have odd numbers up to 255."""
    return [(pair, 2 * index + 1) for index, pair in enumerate(pairs)]


def _rejected(receiver: Receiver, answer: Any) -> Rejected:
    source, reason = answer.source, answer.reason_diagnostic
    transient = answer.result == _TRANSIENT
    if (source, reason) == (_BY_USER, _CALLED_UNKNOWN):
        what = f"there is no application entity of this title {receiver.called_aet!r}"
    elif (source, reason) == (_BY_USER, _CALLING_UNKNOWN):
        what = f"it wants no association with the calling title {receiver.calling_aet!r}"
    else:
        busy = "for now" if transient else "for good"
        what = (
            f"it refuses associations {busy} ({_reason(answer)}); "
            f"called AE title {receiver.called_aet!r}, calling {receiver.calling_aet!r}"
        )
    return Rejected(receiver, what, permanent=not transient)


def _reason(answer: Any) -> str:
    try:
        return str(answer.reason_str).lower()
    except ValueError:
        return f"source {answer.source}, reason {answer.reason_diagnostic}"
