"""A file never comes into the place of a pipe or a device."""

from __future__ import annotations

import os

from support.downloads import Downloader
from support.kept import named


def test_a_pipe_in_the_place_of_a_file_stays_and_is_told(session: Downloader) -> None:
    pipe = session.out / "MR1/scans/1/resources/DICOM/files/a.dcm"
    pipe.parent.mkdir(parents=True)
    os.mkfifo(pipe)
    ran = session(*named(session))
    assert (ran.status, pipe.is_fifo()) == (1, True)
    assert f"{pipe}: not a regular file" in ran.err
    assert (pipe.parent / "1/b").read_bytes() == b"one"


def test_nor_does_an_archive(session: Downloader) -> None:
    pipe = session.out / "x.zip"
    session.out.mkdir()
    os.mkfifo(pipe)
    words = ("resource", "-P", "P1", "MR1", "DICOM", "--scan", "2-MR1", "--file", pipe)
    ran = session(*words)
    assert (ran.status, pipe.is_fifo()) == (1, True)
    assert "is a device or a pipe" in ran.err
