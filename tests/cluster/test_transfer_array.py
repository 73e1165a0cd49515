"""A transfer as an array of a real Slurm, and everything that goes wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from support.arrays import (
    CONNECTIONS,
    SHARDS,
    Field,
    Records,
    Watched,
    ids,
    log_ins,
    poison,
    serially,
)
from support.sandbox import XNAT
from support.slurm import Slurm
from support.transfers import everything, series
from xnat_core.private_files import write_private
from xnat_core.user_paths import config_file

pytestmark = pytest.mark.timeout(600)


def sessions_of(xnat: XNAT) -> Records:
    """Two sessions for each shard, of two scans and a resource."""
    found: Records = []
    for number in range(2 * SHARDS):
        subject, label = f"S{number // 2}", f"E{number}"
        scans = {str(n): series(subject, label, n, "MR", 2) for n in (1, 2)}
        notes = {"NOTES": {"a.txt": label.encode(), "b.txt": b"b"}}
        session = xnat.has_session("A", subject, label, scans=scans, resources=notes)
        found.append(
            {
                "kind": "session",
                "server": xnat.url,
                "uri": f"/data/experiments/{session.id}",
                "id": session.id,
                "label": label,
                "project": "A",
                "file_size": 4000,
            }
        )
    return found


def has_profiles(source: XNAT, dest: XNAT) -> None:
    """Both servers with their passwords and the limit of connections."""
    profiles = {
        name: {
            "url": server.url,
            "username": "admin",
            "password": "admin",
            "max_connections": CONNECTIONS,
        }
        for name, server in (("source", source), ("dest", dest))
    }
    write_private(config_file(), json.dumps({"profiles": profiles}).encode())


def test_an_array_that_meets_with_every_accident_ends_like_a_serial_run(
    slurm: Slurm, archive: XNAT, make_xnat: Callable[..., XNAT], tmp_path: Path
) -> None:
    dest = make_xnat(replace(archive.settings))
    for project in ("B", "SERIAL"):
        dest.has_project(project)
    has_profiles(archive, dest)
    records, none = sessions_of(archive), poison(archive.url, "session")
    command = ("xnat-transfer", "run", "-", "-p", "source", "--dest-profile", "dest")
    field = Field(
        slurm, tmp_path / "field", records + none, *command, "--dest-project", "B", "-w", 2
    )
    source, destination = Watched(archive, 0.1), Watched(dest, 0)
    source.hold(after=20)
    field.has_every_accident(source)
    source.let_go()
    field.complete()
    assert 1 < source.most <= CONNECTIONS
    assert 1 < destination.most <= CONNECTIONS
    assert (log_ins(archive), log_ins(dest)) == (1, 1)
    assert ids(field.tool("collect", "--again")) == ids(none)
    serially(*command, "--dest-project", "SERIAL", records=records)
    for server in (archive, dest):
        # The questions of this test are sessions, too.
        server.store.preferences.set("concurrentMaxSessions", 1000)
    assert everything(dest, "B") == everything(dest, "SERIAL") == everything(archive, "A") != {}
    assert dest.rows("/data/prearchive?format=json") == []
    again = Field(slurm, tmp_path / "again", records, *command, "--dest-project", "B")
    again.submit()
    again.complete()
    # Tasks without the state of the first array write metadata once more, and no file.
    assert [record["files"] for record in again.tool("collect")] == [0] * len(records)
    assert everything(dest, "B") == everything(archive, "A")
