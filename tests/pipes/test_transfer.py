"""A transfer split over several processes comes to the same."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.sandbox import XNAT
from support.transfers import Transfer, everything

SHARDS = 4
MakeXNAT = Callable[[], XNAT]


@pytest.fixture
def transfer(make_xnat: MakeXNAT, capfd: pytest.CaptureFixture[str]) -> Transfer:
    """`xnat-transfer` from project A of one server to project B of another, both empty."""
    return Transfer(make_xnat(), make_xnat(), capfd)


@pytest.mark.skipif(not shutil.which("parallel"), reason="GNU parallel is not installed")
@pytest.mark.parametrize("shared", [True, False], ids=["one state", "a state for each"])
def test_four_shards_side_by_side(transfer: Transfer, tmp_path: Path, shared: bool) -> None:
    for number in range(1, 9):
        transfer.has_session(f"S{number}", f"S{number}_MR1", "MR", "MR")
        transfer.has_session(f"S{number}", f"S{number}_PET1", "PT")
    state = "" if shared else f"XDG_STATE_HOME={tmp_path}/state.{{%}} "
    ran = subprocess.run(
        [
            "bash",
            "-c",
            "set -o pipefail; xnat-ls sessions -p source -P A | parallel --will-cite --pipe"
            f" -N1 --round-robin -j{SHARDS} --line-buffer"
            f" '{state}xnat-transfer run -p source --dest-profile dest --dest-project B -w1'",
        ],
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert ran.returncode == 0, ran.stderr
    records = [json.loads(line) for line in ran.stdout.splitlines()]
    assert {one["outcome"] for one in records} == {"done"}
    assert len({one["label"] for one in records}) == 16
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")
    again = transfer("--config", transfer.config(sync_new_only=True))
    assert (again.status, again.files) == (0, 0)
