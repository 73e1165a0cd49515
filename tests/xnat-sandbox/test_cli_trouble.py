"""The command line where something is in the way: one line that names it, and no number."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = [sys.executable, "-c", "from xnat_sandbox.cli import main; raise SystemExit(main())"]


def run(*words: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    return subprocess.run(
        [*PROGRAM, *words], capture_output=True, text=True, timeout=60, cwd=folder
    )


def test_the_port_of_the_dicom_receiver_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = run("serve", "--port=0", f"--scp-port={port}")
    message = f"xnat-sandbox: DICOM port {port} of 127.0.0.1: Address already in use\n"
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", message)


def test_a_host_without_an_address_is_told_in_words() -> None:
    ran = run("serve", "--port=0", "--host=no host")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("xnat-sandbox: no host: ")
    assert "rror -" not in ran.stderr


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("samples", ""), "<folder>"),
        (("serve", "--data="), "--data"),
        (("run", "--data", "", "--", "true"), "--data"),
        (("run", "--", ""), "<command>"),
    ],
)
def test_what_is_empty_is_refused(words: tuple[str, ...], name: str, tmp_path: Path) -> None:
    """It comes of a variable that was not set; the data would be gone at the end."""
    (tmp_path / "here").mkdir()
    ran = run(*words, folder=tmp_path / "here")
    message = f"xnat-sandbox: {name} may not be empty\n"
    assert (ran.returncode, ran.stdout, ran.stderr) == (2, "", message)
    assert list((tmp_path / "here").iterdir()) == []


@pytest.mark.parametrize("words", [("serve", "--port=0"), ("--help",)])
def test_a_full_disk_is_one_line(words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [*PROGRAM, *words], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
        )
    message = "xnat-sandbox: standard output: No space left on device\n"
    assert (ran.returncode, ran.stderr) == (1, message)
