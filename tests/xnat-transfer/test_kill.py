"""A transfer that is killed: the same command completes it, and nothing is there twice."""

from __future__ import annotations

import random
import signal
import time

import pytest

from support.transfers import Transfer, everything

SUBJECTS = 20
KILLS = 20


def furnish(transfer: Transfer) -> None:
    for number in range(1, SUBJECTS + 1):
        session = transfer.has_session(f"S{number}", f"S{number}_MR1", "MR", "MR")
        scan = transfer.source.store.items.scans(session.id)[0]
        transfer.source.has_resource(scan, "NIFTI", {"a b.nii.gz": b"\x1f\x8b" * 50})
        transfer.source.has_resource(scan, "SNAPSHOTS", {"a.gif": b"GIF89a"})
        if number % 3 == 0:
            transfer.has_session(f"S{number}", f"S{number}_PET1", "PT", "CT")
            transfer.source.has_resource(session, "NOTES", {"ä/1.txt": b"1", "2.txt": b"2"})


def staged(transfer: Transfer) -> list[dict[str, str]]:
    return transfer.dest.rows("/data/prearchive?format=json")


@pytest.mark.timeout(280)
def test_kills_at_any_moment_and_a_last_run_come_to_the_same(transfer: Transfer) -> None:
    furnish(transfer)
    transfer.dest.settings.archive_delay = 0.05
    moments = random.Random(7)
    for _ in range(KILLS):
        begin = len(transfer.dest.server.log)
        wanted = moments.randint(5, 120)
        process = transfer.process("--workers", 2)
        while process.poll() is None and len(transfer.dest.server.log) - begin < wanted:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
    last = transfer()
    assert last.status == 0, last.err
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")
    assert not staged(transfer)
    again = transfer()
    assert (again.status, again.files, again.outcomes) == (0, 0, {"skipped"})


def test_what_is_being_archived_is_not_sent_again(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR", "MR")
    transfer.dest.settings.archive_delay = 3
    process = transfer.process()
    while not any("ARCHIVING" in row["status"] for row in staged(transfer)):
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    sent = len(transfer.dest.requests("POST", "/data/services/import"))
    last = transfer()
    assert last.status == 0, last.err
    assert len(transfer.dest.requests("POST", "/data/services/import")) == sent
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")
    assert not staged(transfer)


def test_a_killed_run_is_shown_as_interrupted(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    transfer.dest.settings.archive_delay = 30
    process = transfer.process()
    while not transfer.dest.requests("POST", "/data/services/import"):
        assert process.poll() is None
        time.sleep(0.02)
    (running,) = transfer.say("status").records
    process.kill()
    process.wait()
    (killed,) = transfer.say("status").records
    assert (running["status"], killed["status"]) == ("running", "interrupted")
    transfer.dest.settings.archive_delay = 0
