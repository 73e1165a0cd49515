"""A receiver that is busy behind encryption is as busy as one without."""

from __future__ import annotations

import socket

import pytest

from xnat_cstore.receiver import Receiver, Tls, Unanswered
from xnat_cstore.wire import Wire


def test_a_handshake_without_an_answer_is_no_sign_of_a_receiver_that_is_gone() -> None:
    # What serves one association after the other lets the next connection wait like this.
    with socket.create_server(("127.0.0.1", 0)) as busy:
        receiver = Receiver("127.0.0.1", busy.getsockname()[1], "XNAT", tls=Tls())
        with pytest.raises(Unanswered, match=r"no TLS within 0\.2 seconds.*--tls.*busy"):
            Wire(receiver, 0.2)
