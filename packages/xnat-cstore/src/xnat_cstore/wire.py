"""A TCP connection to a receiver, plain or encrypted, and PDUs over it.

Two things make it fast with ordinary slices. TCP_NODELAY sends the end of a message at once. And
receivers that do not set it themselves hold back the second part of each answer until we have
acknowledged the first, which Linux does after 40 ms unless TCP_QUICKACK is set anew before each
receive: together that is the time of fifteen slices.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time

from xnat_cstore.dimse import (
    ABORT,
    ABORT_PDU,
    PDU_HEADER,
    RELEASE_ANSWER,
    RELEASE_REQUEST,
    RELEASE_REQUEST_PDU,
)
from xnat_cstore.negotiation import ACCEPTED_PDU, REJECTED_PDU
from xnat_cstore.receiver import Lost, Receiver, Silent, Unanswered

CONNECTING_SECONDS = 20.0
NEGOTIATING_SECONDS = 30.0
RELEASING_SECONDS = 5.0
_LARGEST_PDU = 1 << 20
_RECEIVED_AT_ONCE = 1 << 16
_TLS_ALERT = b"\x15\x03"
_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)


class Wire:
    """A connection; every method raises Lost when it breaks and Silent after `timeout` seconds."""

    def __init__(self, receiver: Receiver, timeout: float) -> None:
        """Connect. Raises DicomStoreError saying what is wrong."""
        self.receiver = receiver
        self.timeout = timeout
        self._inbox = bytearray()
        self._socket = _connected(receiver, min(timeout, CONNECTING_SECONDS))

    def send(self, data: bytes | memoryview) -> None:
        """Send all of it."""
        view = memoryview(data)
        try:
            while view:
                view = view[self._socket.send(view) :]
        except TimeoutError:
            raise Silent(
                self.receiver, f"it took no more data for {self.timeout:g} seconds"
            ) from None
        except OSError as error:
            # What it said before it went is worth more than the error.
            with contextlib.suppress(TimeoutError, OSError):
                self._socket.settimeout(0.2)
                self._receive(PDU_HEADER)
            if self._inbox[:1] == bytes([ABORT]):
                raise self._aborted() from None
            raise Lost(self.receiver, f"the connection broke ({_reason(error)})") from None

    def pdu(self) -> tuple[int, bytes]:
        """The next PDU: its type and what follows its length."""
        deadline = time.monotonic() + self.timeout
        try:
            self._receive(PDU_HEADER, deadline)
            kind, length = self._inbox[0], int.from_bytes(self._inbox[2:6], "big")
            if length > _LARGEST_PDU:
                raise Lost(self.receiver, "it sent something that is no DICOM")
            self._receive(PDU_HEADER + length, deadline)
        except TimeoutError:
            raise Silent(self.receiver, f"no answer within {self.timeout:g} seconds") from None
        except OSError as error:
            raise Lost(self.receiver, f"the connection broke ({_reason(error)})") from None
        body = bytes(self._inbox[PDU_HEADER : PDU_HEADER + length])
        del self._inbox[: PDU_HEADER + length]
        if kind == ABORT:
            raise self._aborted()
        if kind == RELEASE_REQUEST:
            raise Lost(self.receiver, "it ended the association")
        return kind, body

    def negotiate(self, request: bytes) -> tuple[int, bytes]:
        """Send the request for an association and return the answer, accepted or rejected.

        Raises DicomStoreError saying what it is that does not answer as DICOM.
        """
        patience = min(self.timeout, NEGOTIATING_SECONDS)
        try:
            self._socket.settimeout(patience)
            self._socket.sendall(request)
            self._receive(PDU_HEADER, time.monotonic() + patience)
            kind = self._inbox[0]
            if kind == ABORT:
                raise self.receiver.error("it broke off the negotiation of an association")
            if kind not in (ACCEPTED_PDU, REJECTED_PDU):
                raise self._no_dicom()
        except TimeoutError:
            if self._last_words():
                raise self._no_dicom() from None
            raise Unanswered(
                self.receiver,
                f"no answer within {patience:g} seconds: this is no DICOM receiver, or a busy one",
            ) from None
        except OSError as error:
            if self._inbox:
                raise self._no_dicom() from None
            if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
                raise self.receiver.error(_tls_trouble(error)) from None
            raise self.receiver.error(
                "it takes connections and ends them without an answer: "
                f"{self._without_an_answer()} ({_reason(error)})"
            ) from None
        self._socket.settimeout(self.timeout)
        return self.pdu()

    def is_usable(self) -> bool:
        """Whether nothing came that we did not ask for, the end of the connection for one."""
        if self._inbox:
            return False
        with contextlib.suppress(OSError, ValueError):
            return not select.select([self._socket], [], [], 0)[0]
        return False

    def release(self) -> None:
        """End the association in good order; never raises."""
        with contextlib.suppress(Lost, OSError):
            self.timeout = RELEASING_SECONDS
            self._socket.settimeout(RELEASING_SECONDS)
            self.send(RELEASE_REQUEST_PDU)
            while self.pdu()[0] != RELEASE_ANSWER:
                pass
        self.close()

    def abort(self) -> None:
        """End the association in the middle of a message; never raises."""
        with contextlib.suppress(OSError):
            self._socket.settimeout(1)
            self._socket.send(ABORT_PDU)
        self.close()

    def close(self) -> None:
        """Let go of the connection."""
        self._socket.close()

    def _receive(self, count: int, deadline: float | None = None) -> None:
        """Have `count` bytes in the inbox. Raises OSError, ConnectionError at the end."""
        while len(self._inbox) < count:
            if deadline is not None:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError
                self._socket.settimeout(left)
            if _QUICKACK is not None:
                self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
            data = self._socket.recv(_RECEIVED_AT_ONCE)
            if not data:
                raise ConnectionResetError(None, "ended by the receiver")
            self._inbox += data
        if deadline is not None:
            self._socket.settimeout(self.timeout)

    def _last_words(self) -> bool:
        """Whether something is said when we have finished; a web server waits for that."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
            self._receive(1, time.monotonic() + 1)
        return bool(self._inbox)

    def _without_an_answer(self) -> str:
        tls = self.receiver.tls
        if tls is None:
            return "it is no DICOM receiver, or it wants encryption (--tls)"
        if tls.certificate is None:
            return "it wants a certificate of ours (--tls-cert, --tls-key), or is no DICOM receiver"
        return "it does not take our certificate, or is no DICOM receiver"

    def _aborted(self) -> Lost:
        return Lost(self.receiver, "it aborted the association")

    def _no_dicom(self) -> Exception:
        said = bytes(self._inbox)
        if said.startswith(_TLS_ALERT):
            return self.receiver.error("it wants encryption: --tls")
        if said.startswith((b"HTTP/", b"<!DOC", b"<html", b"<HTML")):
            return self.receiver.error("this is a web server, not a DICOM receiver")
        return self.receiver.error("what answers does not speak DICOM")


def _connected(receiver: Receiver, seconds: float) -> socket.socket:
    try:
        plain = socket.create_connection((receiver.host, receiver.port), timeout=seconds)
    except socket.gaierror as error:
        raise receiver.error(f"unknown host {receiver.host!r} ({error.strerror})") from None
    except UnicodeError:
        raise receiver.error(f"unknown host {receiver.host!r} (no name of a host)") from None
    except TimeoutError:
        raise receiver.error(f"no connection within {seconds:g} seconds") from None
    except ConnectionRefusedError:
        raise receiver.error(f"nothing listens on port {receiver.port}") from None
    except OSError as error:
        raise receiver.error(f"no connection ({_reason(error)})") from None
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if receiver.tls is None:
        return plain
    try:
        return receiver.tls.context().wrap_socket(plain, server_hostname=receiver.host)
    except ssl.SSLError as error:
        plain.close()
        raise receiver.error(_tls_trouble(error)) from None
    except TimeoutError:
        plain.close()
        # One that serves an association after the other begins the next ones only then.
        raise Unanswered(
            receiver, f"no TLS within {seconds:g} seconds: without --tls, or a busy receiver?"
        ) from None
    except OSError as error:
        plain.close()
        raise receiver.error(f"it speaks no TLS: without --tls? ({_reason(error)})") from None
    except BaseException:
        plain.close()
        raise


def _tls_trouble(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        why = error.verify_message
        if "mismatch" in why or "not valid for" in why:
            return f"its certificate is for another name ({why})"
        return f"its certificate is not trusted ({why}): --tls-ca-bundle"
    reason = error.reason or str(error)
    if "CERTIFICATE_REQUIRED" in reason or "HANDSHAKE_FAILURE" in reason:
        return f"it wants a certificate of ours (--tls-cert, --tls-key): {reason}"
    if "ALERT" in reason:
        return f"it does not like our certificate or encryption ({reason})"
    return f"it speaks no TLS: without --tls? ({reason})"


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
