"""What a transfer takes of the machine, however much passes through it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support.memory import PEAK
from support.transfers import ENDS, Transfer, everything, written

MEGABYTE = 1 << 20

_MEASURED = (
    PEAK
    + """
import sys
from xnat_transfer.cli import main
status = main(sys.argv[1:])
print(status, peak() // 1024, file=sys.stderr)
"""
)


def measured(*words: str) -> tuple[int, int]:
    """The exit status of a run, and the most memory that it took, in MiB."""
    ran = subprocess.run(
        [sys.executable, "-c", _MEASURED, "run", *ENDS, *words],
        capture_output=True,
        text=True,
        timeout=250,
    )
    status, most = ran.stderr.split("\n")[-2].split()
    return int(status), int(most)


def test_memory_does_not_grow_with_what_passes(transfer: Transfer, tmp_path: Path) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR")
    for number in range(2, 6):
        files = {
            f"{n}.dcm": written(
                patient="S1", session="S1_MR1", series=number, instance=n, rows=1900,
                study_uid=session.fields["UID"],
            )
            for n in range(1, 9)
        }  # fmt: skip
        transfer.source.has_scan(session, str(number), files)
    transfer.source.has_resource(session, "BIG", {"big.bin": bytes(150 * MEGABYTE)})
    status, most = measured()
    assert status == 0
    assert most < 200
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


def test_no_file_is_written_beside_the_state(transfer: Transfer, tmp_path: Path) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR", instances=20)
    transfer.source.has_resource(session, "BIG", {f"{n}.bin": bytes(MEGABYTE) for n in range(9)})
    # No file may grow beyond what the state and the cache of logins need.
    limited = subprocess.run(
        ["bash", "-c", 'ulimit -f 1024; exec xnat-transfer run "$@"', "bash", *ENDS],
        capture_output=True,
        text=True,
        timeout=100,
        env={**os.environ, "TMPDIR": str(tmp_path / "nowhere")},
    )
    assert limited.returncode == 0, limited.stderr
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")
