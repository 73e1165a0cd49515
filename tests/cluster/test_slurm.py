"""A download as an array of a real Slurm, and everything that goes wrong."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from support.arrays import CONNECTIONS, Field, Records, Watched, ids, log_ins, poison, serially
from support.sandbox import XNAT
from support.slurm import Slurm

pytestmark = pytest.mark.timeout(600)


def tree(folder: Path) -> dict[str, bytes]:
    """All files below a folder; manifests name the run that wrote them."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "manifest.ndjson"
    }


def scans_of(xnat: XNAT, count: int = 32) -> Records:
    """Scans of four sessions, each of two files."""
    found: Records = []
    for number in range(4):
        scans = {
            str(scan): {f"{n}.dcm": os.urandom(20_000) for n in range(2)}
            for scan in range(count // 4)
        }
        session = xnat.has_session("P1", f"S{number}", f"E{number}", scans=scans)
        found += [
            {
                "kind": "scan",
                "server": xnat.url,
                "uri": f"/data/experiments/{session.id}/scans/{scan}",
                "id": scan,
                "project": "P1",
                "session": session.label,
                "session_id": session.id,
                "file_size": 40_000,
            }
            for scan in scans
        ]
    return found


def test_an_array_that_meets_with_every_accident_ends_like_a_serial_run(
    slurm: Slurm, archive: XNAT, tmp_path: Path
) -> None:
    records, none = scans_of(archive), poison(archive.url, "scan")
    words = ("--out", "data", "-w", 2, "--max-connections", CONNECTIONS)
    field = Field(slurm, tmp_path / "field", records + none, "xnat-download", *words)
    watched = Watched(archive)
    watched.hold(after=8)
    field.has_every_accident(watched)
    watched.let_go()
    field.complete()
    assert 1 < watched.most <= CONNECTIONS
    assert log_ins(archive) == 1
    assert ids(field.tool("collect", "--again")) == ids(none)
    serially("xnat-download", "--out", tmp_path / "serial", "-w", 1, records=records)
    assert tree(field.folder / "data") == tree(tmp_path / "serial")
    assert len(archive.app.sessions.of("admin")) == 1
    subprocess.run(["xnat-auth", "logout"], check=True, capture_output=True)
    assert archive.app.sessions.of("admin") == []


def test_a_session_that_takes_longer_than_its_task_may_is_brought_by_several(
    slurm: Slurm, archive: XNAT, tmp_path: Path
) -> None:
    scans = {str(scan): {"1.dcm": os.urandom(20_000)} for scan in range(24)}
    session = archive.has_session("P1", "S1", "E1", scans=scans)
    records: Records = [{"kind": "session", "server": archive.url, "id": session.id}]
    command = ("xnat-download", "--out", "data", "-w", 1)
    bound = ("--max-duration", "4s")
    field = Field(slurm, tmp_path / "field", records, *command, *bound, shards=1)
    Watched(archive, seconds=0.4)
    job = field.submit()
    slurm.until(lambda: slurm.restarts(job), 120)
    assert "reached its bound, 1 record is left" in field.logs()
    field.complete()
    (record,) = field.tool("collect")
    assert (record["outcome"], record["id"]) == ("done", session.id)
    assert record["files"] < len(scans)
    serially("xnat-download", "--out", tmp_path / "serial", records=records)
    assert tree(field.folder / "data") == tree(tmp_path / "serial")
    assert len(tree(field.folder / "data")) == len(scans)
