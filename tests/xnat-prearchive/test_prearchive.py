"""The commands as processes and the documented library."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_prearchive.service import PrearchiveService

if TYPE_CHECKING:
    from conftest import Stage


def test_the_commands_chain_as_real_processes(stage: Stage, xnat: XNAT) -> None:
    stage()
    stage("E2", study="1.2.9")
    line = (
        "xnat-prearchive list | xnat-prearchive wait | xnat-prearchive archive | xnat-ls scans -q"
    )
    answer = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line], capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.split() == ["1", "2", "1", "2"]
    assert len(xnat.requests("POST", "/data/JSESSION")) == 1


def test_the_documented_service_reads_by_key_and_by_attribute(stage: Stage, xnat: XNAT) -> None:
    project, timestamp, name = stage()
    with XNATClient(xnat.url, "admin", "admin") as client:
        service = PrearchiveService(client)
        (row,) = service.list("P1")
        assert (row.name, row.status, row["status"]) == (name, "READY", "READY")
        assert service.get(project, timestamp, name).upload_date
        assert service.rebuild(project, timestamp, name)["status"] == "READY"
        assert [scan["ID"] for scan in service.get_scans(project, timestamp, name)] == ["1", "2"]
        session = service.archive(project=project, timestamp=timestamp, session=name)
        assert session["label"] == "E1"


def test_the_library_moves_to_the_project_that_an_alias_names(stage: Stage, xnat: XNAT) -> None:
    # The server takes the name as it is for the folder of the project.
    assert xnat.call("PUT", "/data/projects/P2?alias=SECOND").status_code == 200
    project, timestamp, name = stage()
    with XNATClient(xnat.url, *xnat.admin) as client:
        row = PrearchiveService(client).move(project, timestamp, name, "SECOND")
    assert row["project"] == "P2"
    (request,) = (one for one in xnat.requests("POST") if "newProject" in one.args)
    assert request.args["newProject"] == "P2"
