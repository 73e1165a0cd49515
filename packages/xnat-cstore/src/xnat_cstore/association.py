"""An association that carries many instances, one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from xnat_core.parallel import check_stop
from xnat_cstore.dimse import (
    COMMAND,
    DATA,
    FRAME,
    LAST,
    P_DATA,
    VALUE_HEADER,
    Answer,
    Unintelligible,
    answer_of,
    command_pdus,
    echo_request,
    frame,
    store_request,
    values_of,
)
from xnat_cstore.negotiation import VERIFICATION, Pair, agreement, request
from xnat_cstore.payload import Payload
from xnat_cstore.receiver import Lost, Receiver
from xnat_cstore.wire import Wire

BLOCK = 1 << 20
"""Bytes that are read and sent at once."""
_SMALLEST_PDU = 64
_LONGEST_COMMAND = 1 << 16


class Association:
    """One association. Not for two threads at once.

    Its methods raise Lost, and Silent after `timeout` seconds without an answer; it is of no use
    after either.
    """

    def __init__(self, receiver: Receiver, pairs: Sequence[Pair], timeout: float) -> None:
        """Open it. Raises DicomStoreError, of which Rejected is what the receiver says itself."""
        self.receiver = receiver
        self.proposed = frozenset(pairs)
        self._wire = Wire(receiver, timeout)
        try:
            agreed = agreement(receiver, pairs, *self._wire.negotiate(request(receiver, pairs)))
            if 0 < agreed.longest_pdu < _SMALLEST_PDU:
                raise receiver.error(f"it wants PDUs of {agreed.longest_pdu} bytes")
        except BaseException:
            self._wire.close()
            raise
        self.contexts = agreed.contexts
        room = min(agreed.longest_pdu or BLOCK, BLOCK // 2) - VALUE_HEADER
        self._room = room - room % 2
        self._message = 0
        self._buffer = memoryview(bytearray(0))

    def echo(self) -> Answer:
        """Ask for a sign of life."""
        message = self._next_message()
        self._wire.send(
            command_pdus(self.contexts[VERIFICATION], echo_request(message), self._room)
        )
        return self._answer(message)

    def store(self, context: int, sop_class: str, uid: str, payload: Payload) -> Answer:
        """Send an instance and wait for what the receiver says to it.

        Raises UploadError when the file fails in the middle; the association has then been aborted.
        """
        message = self._next_message()
        command = command_pdus(context, store_request(message, sop_class, uid), self._room)
        try:
            self._send(context, command, payload)
        except Lost:
            raise
        except BaseException:
            # A message that is not finished cannot be taken back.
            self._wire.abort()
            raise
        return self._answer(message)

    def is_usable(self) -> bool:
        """Whether it has neither ended nor said anything while it rested."""
        return self._wire.is_usable()

    def release(self) -> None:
        """End it in good order; never raises."""
        self._wire.release()

    def close(self) -> None:
        """End it at once; never raises."""
        self._wire.abort()

    def _next_message(self) -> int:
        self._message = self._message % 0xFFFF + 1
        return self._message

    def _send(self, context: int, command: bytes, payload: Payload) -> None:
        """Send a command and a data set, as many PDUs at once as the buffer holds.

        A small file goes out together with its command, in one piece.
        """
        buffer = self._buffer_for(len(command) + payload.size)
        buffer[: len(command)] = command
        at, left = len(command), payload.size
        while True:
            slots = []
            # Fragments must have an even length, and the data set has.
            while left and (space := (len(buffer) - at - FRAME.size) & ~1) > 0:
                size = min(left, self._room, space)
                left -= size
                start = at + FRAME.size
                buffer[at:start] = frame(context, DATA, size, last=not left)
                at = start + size
                slots.append(buffer[start:at])
            payload.fill(slots)
            self._wire.send(buffer[:at])
            if not left:
                return
            check_stop()
            at = 0

    def _buffer_for(self, size: int) -> memoryview:
        """A buffer for a message of `size` bytes, kept for the next one."""
        wanted = size + FRAME.size * (size // self._room + 2)
        if len(self._buffer) < min(wanted, BLOCK):
            self._buffer = memoryview(bytearray(min(1 << wanted.bit_length(), BLOCK)))
        return self._buffer

    def _answer(self, message: int) -> Answer:
        command = bytearray()
        try:
            while True:
                kind, pdu = self._wire.pdu()
                if kind != P_DATA:
                    raise Unintelligible(f"a PDU of type {kind:#04x}")
                for _, control, value in values_of(pdu):
                    if control & COMMAND:
                        command += value
                        if control & LAST:
                            return answer_of(bytes(command), message)
                if len(command) > _LONGEST_COMMAND:
                    raise Unintelligible("an answer without an end")
        except Unintelligible as error:
            self._wire.abort()
            raise Lost(self.receiver, f"it broke the protocol: {error}") from None
