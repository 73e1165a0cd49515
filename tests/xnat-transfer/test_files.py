"""Files of this machine that a transfer cannot use: one line says which, and why."""

from __future__ import annotations

import os
import socket
import sqlite3
import threading
from pathlib import Path

import pytest

from xnat_core.errors import OperationError
from xnat_core.models import Resource
from xnat_core.transfer_errors import TransferConfigError
from xnat_transfer.config import load
from xnat_transfer.contents import Holding, Known, Place
from xnat_transfer.difference import Lack
from xnat_transfer.sending import expected_files
from xnat_transfer.state import Ends, State


def test_a_configuration_that_is_no_yaml_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "plain.yaml"
    file.write_text("source_project: A\ndest_project: [\n")
    with pytest.raises(TransferConfigError) as caught:
        load(file)
    assert f"{file}: not valid YAML, line 3, column 1: " in caught.value.message
    assert "byte string" not in caught.value.message


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("dest_project: 2024-99-99", ", line 1, column 15: no timestamp is written like this"),
        ("[" * 5000, ": nested too deeply"),
    ],
    ids=["date", "depth"],
)
def test_what_the_parser_chokes_on_is_said_in_one_line(
    tmp_path: Path, text: str, trouble: str
) -> None:
    file = tmp_path / "plain.yaml"
    file.write_text(text)
    with pytest.raises(TransferConfigError) as caught:
        load(file)
    assert caught.value.message == f"transfer: {file}: not valid YAML{trouble}"


def test_a_state_that_cannot_be_written_is_named_once(tmp_path: Path) -> None:
    file = tmp_path / "transfer.db"
    file.mkdir()
    with pytest.raises(OperationError) as caught:
        State(file)
    assert caught.value.message == f"state: {file}: Is a directory"


def test_a_state_that_another_run_is_making_is_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "transfer.db"
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE made (first)")
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.2, other.execute, ["COMMIT"]).start()
    State(file).close()
    other.close()


def test_files_get_names_of_their_own_on_their_way() -> None:
    files = {name: Known(1, b"") for name in ("a.gz", "a.gz.dcm", "a.zip")}
    lack = Lack(Place("scans", "1", "DICOM"), Holding(Resource(), files), tuple(files))
    names = [file.name for file in expected_files(lack, folder="1").values()]
    assert len(set(names)) == 3
    assert all(name.endswith(".dcm") for name in names)


@pytest.mark.parametrize(
    ("host", "process", "status"),
    [
        (socket.gethostname(), f"{os.getpid()} 1", "interrupted"),
        (socket.gethostname(), f"{os.getpid()}", "running"),
        (socket.gethostname(), "", "running"),
        ("another", f"{os.getpid()} 1", "running"),
    ],
    ids=["number used again", "no time told", "no process told", "elsewhere"],
)
def test_a_run_goes_on_while_its_very_process_does(
    tmp_path: Path, host: str, process: str, status: str
) -> None:
    state = State(tmp_path / "transfer.db")
    state.begin(Ends("https://a", "A", "https://b", "B"))
    (before,) = state.runs()
    state.write("UPDATE sync_history SET host=?, process=?", (host, process))
    (run,) = state.runs()
    state.close()
    assert (before["status"], run["status"]) == ("running", status)
