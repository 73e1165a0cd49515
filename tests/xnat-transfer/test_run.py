"""What `run` brings to the destination, and what it leaves alone."""

from __future__ import annotations

from support.transfers import Transfer, everything


def test_a_session_arrives_with_its_files(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR", "MR")
    ran = transfer()
    assert ran.status == 0, ran.err
    (session,) = ran.of("session")
    assert (session["outcome"], session["files"], session["verified"]) == ("done", 4, True)
    assert everything(transfer.source, "A") == everything(transfer.dest, "B") != {}
