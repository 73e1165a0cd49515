"""Archives into resources: what the server unpacks decides, not what it says."""

from __future__ import annotations

import gzip
import tarfile
import zipfile
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from support.resources import Run, session_path, stored
from support.sandbox import XNAT


def test_an_archive_is_unpacked_by_the_server(run: Run, xnat: XNAT) -> None:
    with zipfile.ZipFile("a.zip", "w") as archive:
        archive.writestr("in/c.txt", b"third")
    assert run("-P", "P1", "E1", "R", "a.zip", "--extract")[0] == 0
    assert stored(xnat, session_path(xnat), "R") == {"in/c.txt": b"third"}


def test_what_is_in_a_gz_has_its_name_and_does_not_replace_that_of_another_one(
    run: Run, xnat: XNAT
) -> None:
    for name, data in (("a.csv.gz", b"first"), ("b.csv.GZ", b"second"), ("c d.gz", b"third")):
        with gzip.open(name, "wb") as packed:
            packed.write(data)
    words = ("-P", "P1", "E1", "R", "--extract", "--overwrite")
    assert run(*words, "a.csv.gz", "b.csv.GZ")[0] == 0
    assert stored(xnat, session_path(xnat), "R") == {"a.csv": b"first", "b.csv": b"second"}
    assert run(*words, "a.csv.gz")[0] == 0
    status, _, err = run(*words, "c d.gz")
    assert (status, "c d.gz: the server would change the name" in err) == (1, True)


def test_an_archive_that_the_server_left_alone_in_silence_is_a_failure(
    run: Run, xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("-P", "P1", "E1", "R", "files/a.txt")
    with zipfile.ZipFile("a.zip", "w") as archive:
        archive.writestr("in/c.txt", b"third")
    with gzip.open("b.gz", "wb") as packed:
        packed.write(b"fourth")
    user, password = xnat.has_user("carol", P1="collaborator")
    monkeypatch.setenv("XNAT_USER", user)
    monkeypatch.setenv("XNAT_PASS", password)
    for name, *more in (["a.zip"], ["b.gz"], ["b.gz", "--overwrite"]):
        status, records, err = run("-P", "P1", "E1", "R", name, "--extract", *more)
        assert (status, records[0]["outcome"]) == (1, "failed")
        assert "did not store it (no permission" in err


def test_an_archive_is_not_sent_again_and_its_content_decides(run: Run, xnat: XNAT) -> None:
    words = ("-P", "P1", "E1", "R", "a.tgz", "--extract")
    Path("packed").mkdir()
    Path("packed/c.txt").write_text("third")
    with tarfile.open("a.tgz", "w:gz") as archive:
        archive.add("packed", "./packed")

    lost: list[str] = []

    def lose(request: Request, response: Response) -> None:
        if request.method == "PUT" and not lost:
            lost.append(request.path)
            response.status_code = 502

    xnat.app.after(lose)
    status, records, err = run(*words)
    assert (status, records[0]["outcome"], records[0]["verified"]) == (0, "done", True), err
    assert len(xnat.requests("PUT")) == 2
    status, records, _ = run(*words)
    assert (status, records[0]["outcome"], records[0]["there"]) == (0, "skipped", 1)
    assert len(xnat.requests("PUT")) == 2
    xnat.has_session("P1", "S1", "E1", resources={"R": {"packed/c.txt": b"other"}})
    status, _, err = run(*words)
    assert status == 1
    assert "'R/packed/c.txt' already exists with other content" in err


def test_an_archive_whose_names_the_server_lists_as_they_are_written_has_arrived(
    run: Run, xnat: XNAT
) -> None:
    with tarfile.open("a.tar", "w") as archive:
        archive.add("files", ".")

    def as_written(request: Request, response: Response) -> None:
        if request.method == "GET" and request.path.endswith("/files"):
            response.data = response.data.replace(b"/files/", b"/files/./")

    xnat.app.after(as_written)
    words = ("-P", "P1", "E1", "R", "a.tar", "--extract")
    status, records, err = run(*words)
    assert (status, records[0]["outcome"], records[0]["verified"]) == (0, "done", True), err
    assert run(*words)[1][0]["outcome"] == "skipped"


@pytest.mark.usefixtures("patient")
def test_an_archive_that_is_unpacked_and_listed_late_is_waited_for(run: Run, xnat: XNAT) -> None:
    with zipfile.ZipFile("a.zip", "w") as archive:
        archive.writestr("a.txt", b"first")
    xnat.lags("/resources/NIFTI/files$", after="PUT /data/experiments")
    assert run("-P", "P1", "E1", "NIFTI", "a.zip", "--extract")[0] == 0
