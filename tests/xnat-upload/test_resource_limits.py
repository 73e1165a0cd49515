"""What does not become a resource: files without end, names of the server, what is shared."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from support.resources import Run, session_path, stored
from support.sandbox import XNAT


def test_links_to_folders_are_followed_but_not_in_circles(
    run: Run, xnat: XNAT, tmp_path: Path
) -> None:
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "b.txt").write_bytes(b"second")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "there").symlink_to(tmp_path / "linked")
    (tmp_path / "links" / "up").symlink_to(tmp_path)
    status, _, err = run("-P", "P1", "E1", "R", "links")
    assert (status, err) == (0, "")
    assert stored(xnat, session_path(xnat), "R") == {"there/b.txt": b"second"}


def test_a_link_that_leads_nowhere_is_not_left_out_in_silence(run: Run, tmp_path: Path) -> None:
    (tmp_path / "annexed").mkdir()
    (tmp_path / "annexed" / "a.txt").write_bytes(b"here")
    (tmp_path / "annexed" / "b.txt").symlink_to("not/fetched")
    status, _, err = run("-P", "P1", "E1", "R", "annexed")
    assert status == 1
    assert "b.txt: a link to not/fetched, which is not there" in err


def test_folders_that_link_to_each_other_are_entered_once_by_each_way(
    run: Run, xnat: XNAT, tmp_path: Path
) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / "round" / name).mkdir(parents=True)
        (tmp_path / "round" / name / name).write_bytes(b"first")
        (tmp_path / "round" / name / "link").symlink_to(f"../{other}")
    assert run("-P", "P1", "E1", "R", "round")[0] == 0
    assert stored(xnat, session_path(xnat), "R").keys() == {"a/a", "a/link/b", "b/b", "b/link/a"}


@pytest.mark.parametrize(
    ("owner", "message"),
    [
        (["E9"], "session 'E9' belongs to project P2 and is only shared into P1"),
        (["E9", "--scan", "4"], "session 'E9' belongs to project P2"),
        (["-", "-S", "S9"], "subject 'S9' belongs to project P2 and is only shared into P1"),
    ],
)
def test_what_is_only_shared_into_the_project_is_refused(
    owner: list[str], message: str, run: Run, xnat: XNAT
) -> None:
    session = xnat.has_session("P2", "S9", "E9", scans={"4": {"a.dcm": b"a"}})
    subject = "/data/projects/P2/subjects/S9"
    for where in (subject, f"{subject}/experiments/{session.id}"):
        assert xnat.call("PUT", f"{where}/projects/P1").status_code == 200
    words = [owner[0], "R", "files", *owner[1:]]
    status, _, err = run("-P", "P1", *words)
    assert (status, xnat.requests("PUT", "/data/experiments")) == (2, [])
    assert message in err
    assert run("-P", "P2", *words)[0] == 0


@pytest.mark.parametrize(
    "words", [["files"], ["files/sub/scan_1_catalog.xml"], ["a.zip", "--extract"]]
)
def test_a_name_that_the_server_keeps_for_itself_is_told_before_anything_is_sent(
    words: list[str], run: Run, xnat: XNAT
) -> None:
    Path("files/sub/scan_1_catalog.xml").write_bytes(b"<Catalog/>")
    with zipfile.ZipFile("a.zip", "w") as archive:
        archive.writestr("in/c.txt", b"third")
        archive.writestr("in/scan_1_catalog.xml", b"<Catalog/>")
    status, _, err = run("-P", "P1", "E1", "R", *words)
    assert (status, xnat.requests("PUT", "/data/experiments")) == (1, [])
    assert "scan_1_catalog.xml: the server keeps no file of such a name" in err
