"""Resources of a server that keeps no digests: only sizes can be compared, which is not content."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from support.resources import Run, session_path, stored
from support.sandbox import XNAT

HERE = ("-P", "P1", "E1", "R")


@pytest.fixture(autouse=True)
def without_digests(xnat: XNAT) -> None:
    """What comes from now on has none."""
    xnat.store.preferences.set("checksums", False)


@pytest.mark.parametrize("words", [["files/a.txt"], ["a.zip", "--extract"]])
def test_overwrite_replaces_a_file_of_the_same_size(words: list[str], run: Run, xnat: XNAT) -> None:
    for content in (b"first", b"again"):
        Path("files/a.txt").write_bytes(content)
        with zipfile.ZipFile("a.zip", "w") as archive:
            archive.writestr("a.txt", content)
        status, records, err = run(*HERE, *words, "--overwrite")
        assert (status, records[0]["outcome"], records[0]["verified"]) == (0, "done", False), err
        assert stored(xnat, session_path(xnat), "R") == {"a.txt": content}


def test_without_overwrite_a_file_of_the_same_size_is_there(run: Run) -> None:
    run(*HERE, "files")
    status, records, _ = run(*HERE, "files")
    assert (status, records[0]["outcome"], records[0]["there"]) == (0, "skipped", 2)


def test_verify_fails_also_for_what_is_there_already(run: Run) -> None:
    assert run(*HERE, "files/a.txt")[0] == 0
    Path("files/a.txt").write_bytes(b"again")
    status, records, err = run(*HERE, "files/a.txt", "--verify")
    assert (status, records[0]["outcome"]) == (8, "failed")
    assert "the server has no digest of 1 file " in err
