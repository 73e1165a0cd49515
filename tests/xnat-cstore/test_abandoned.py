"""A program that does not wait for the end of what it began to send."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pynetdicom import evt
from pynetdicom.pdu import A_ABORT_RQ

from xnat_cstore.delivery import Manner
from xnat_cstore.receiver import Receiver
from xnat_cstore.service import send_files
from xnat_sandbox.samples import write_series

if TYPE_CHECKING:
    from conftest import MakeSCP


def test_an_association_in_use_is_ended_when_it_is_given_back(
    make_scp: MakeSCP, tmp_path: Path
) -> None:
    reached, go_on, aborted = threading.Event(), threading.Event(), threading.Event()

    def answer(event: Any) -> int:
        if len(scp.received) > 1:
            reached.set()
            assert go_on.wait(60)
        return 0

    def heard(event: Any) -> None:
        # A connection that is only cut is an abort to some, too.
        if isinstance(event.pdu, A_ABORT_RQ):
            aborted.set()

    scp = make_scp(answer=answer)
    assert scp.server is not None
    scp.server.bind(evt.EVT_PDU_RECV, heard)
    folder = write_series(tmp_path / "sent", instances=3)[0].parent
    sent = send_files([folder], Receiver("127.0.0.1", scp.port, "RECEIVER"), Manner(workers=1))
    next(sent)
    assert reached.wait(60)
    sent.close()  # type: ignore[attr-defined]  # a generator
    go_on.set()
    assert aborted.wait(60)
    assert len(scp.received) == 2
