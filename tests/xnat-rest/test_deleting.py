"""Raw requests that delete: never more than the path names."""

from __future__ import annotations

import json

import pytest
from werkzeug.wrappers import Request, Response

from support.sandbox import XNAT
from xnat_rest.cli import main


def test_deleting_needs_yes_and_really_deletes(
    xnat: XNAT, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xnat_core.terminal.ask", lambda question, secret: None)
    path = "/data/projects/P1"
    assert main(["delete", path]) == 2
    assert main(["delete", path, "--dry-run"]) == 0
    assert xnat.requests("DELETE") == []
    assert main(["delete", path, "--yes"]) == 0
    assert main(["get", path]) == 5


@pytest.mark.parametrize(
    "path",
    [
        "/data/projects/P1/experiments/E1/scans/4",
        "/data/archive/projects/P1/experiments/E1/scans/4?removeFiles=true",
        "/REST/projects/P1/experiments/E1/files/a",
        "/data/subjects/XNAT_S00001/experiments/E1",
        "/data/projects/P1/subjects/S1/scans/4",
        "/data/projects/P1/assessors/A1",
        "/data/projects/P1/subject/S1",
        "/data/projects/P1/subjects/S1/experiment/E1",
        "/data/archive/projects/P1/subjects/S1/experiments/E1/scan/4",
        "/data/experiments/XNAT_E00001/scans/4/resource/R",
        "/data/experiments/XNAT_E00001/projects/P1/scans/4",
        "/data/experiments/XNAT_E00001/projects",
        "/data/projects/P1/subjects/S1/projects",
        "/data/experiments/XNAT_E00001/assessors/A1/out",
        "/data/experiments/XNAT_E00001/assessors/A1/in/scans/4",
    ],
)
def test_a_path_that_the_server_takes_for_what_is_above_is_never_sent(
    path: str, xnat: XNAT, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["delete", path, "--yes"]) == 2
    assert "would take this for the session itself" in capfd.readouterr().err
    assert xnat.requests("DELETE") == []


@pytest.mark.parametrize(
    "path",
    [
        "/data/projects/P1/subjects/S1/experiments/E1/scans/4",
        "/data/projects/P1/experiments/E1/resources/R/files/scans/4",
        "/data/subjects/XNAT_S00001/resources/R",
        "/data/subjects/XNAT_S00001",
        "/data/experiments/XNAT_E00001/scans/4",
        "/data/projects/P1/users/member/bob",
        "/data/projects/P1/config/tool/path",
        "/data/projects/P1/subjects/S1/experiments/E1/assessors/A1/out/resources/R",
        "/data/prearchive/projects/P1/20240101_000000000/F/scans/4",
        "/data/services/pretend/projects",
    ],
)
def test_a_path_of_the_right_shape_is_sent(
    path: str, xnat: XNAT, capfd: pytest.CaptureFixture[str]
) -> None:
    main(["delete", path, "--yes"])
    assert [request.path for request in xnat.requests("DELETE")] == [path]


def test_the_share_of_the_project_that_owns_it_is_not_deleted(
    xnat: XNAT, capfd: pytest.CaptureFixture[str]
) -> None:
    """The server would delete the session, or the subject with all its sessions."""
    session = xnat.has_session("P1", "S1", "E1")
    xnat.store.items.create_project("P2", aliases=("SECOND",))
    assert xnat.call("PUT", "/data/projects/P1?alias=FIRST").status_code == 200
    assert xnat.call("PUT", f"/data/experiments/{session.id}/projects/P2").status_code == 200
    for path in (
        f"/data/experiments/{session.id}/projects/P1",
        "/data/projects/P1/experiments/E1/projects/FIRST?removeFiles=true",
        "/data/archive/projects/P1/subjects/S1/projects/P1",
    ):
        assert main(["delete", path, "--yes"]) == 2
        assert "belongs to P1, and is not shared into it" in capfd.readouterr().err
    assert xnat.requests("DELETE") == []
    assert main(["delete", f"/data/experiments/{session.id}/projects/SECOND", "--yes"]) == 0
    assert xnat.store.items.experiment(session.id) is not None


def test_a_share_of_what_nobody_is_told_to_own_is_not_deleted(
    xnat: XNAT, capfd: pytest.CaptureFixture[str]
) -> None:
    session = xnat.has_session("P1", "S1", "E1")
    where = f"/data/experiments/{session.id}"
    hidden = {"items": [{"children": [], "meta": {}, "data_fields": {"ID": session.id}}]}
    xnat.before(
        lambda r: (
            Response(json.dumps(hidden), mimetype="application/json")
            if (r.method, r.path) == ("GET", where)
            else None
        )
    )
    assert main(["delete", f"{where}/projects/P1", "--yes"]) == 1
    assert "the server does not tell whose it is" in capfd.readouterr().err
    assert xnat.requests("DELETE") == []


@pytest.mark.parametrize("name", ["a", "my%20notes", "b/c", "d"])
def test_a_file_that_others_begin_like_is_not_deleted(
    xnat: XNAT, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    """The server would delete all of them."""
    names = ("a", "ab", "my notes", "my notes.txt", "b/c", "b/cd/e", "d/e", "def", "g/h", "ij")
    session = xnat.has_session("P1", "S1", "E1")
    xnat.has_resource(session, "R", dict.fromkeys(names, b""))
    for root in ("/data/experiments/XNAT_E00001", "/data/archive/projects/P1/experiments/E1"):
        assert main(["delete", f"{root}/resources/R/files/{name}?removeFiles=true", "--yes"]) == 2
        assert "would delete" in capfd.readouterr().err
    assert xnat.requests("DELETE") == []


@pytest.mark.parametrize(("name", "left"), [("ab", "a"), ("g", "a ab"), ("a*", "g/h")])
def test_a_file_or_a_folder_alone_or_a_pattern_is_deleted(xnat: XNAT, name: str, left: str) -> None:
    session = xnat.has_session("P1", "S1", "E1")
    xnat.has_resource(session, "R", dict.fromkeys(("a", "ab", "g/h"), b""))
    assert main(["delete", f"/data/experiments/{session.id}/resources/R/files/{name}", "-y"]) == 0
    assert set(left.split()) <= set(xnat.files(session, "R")) < {"a", "ab", "g/h"}


@pytest.mark.parametrize(
    "where", ["user/cache/resources/R", "prearchive/projects/P1/20240502_101500123/E1/resources/R"]
)
def test_a_file_outside_of_the_archive_is_deleted_without_a_listing(xnat: XNAT, where: str) -> None:
    # Servers need not have one there, and take what is named alone.
    path = f"/data/{where}/files/a.zip"
    xnat.before(lambda r: Response("") if (r.method, r.path) == ("DELETE", path) else None)
    assert main(["delete", path, "--yes"]) == 0


def test_files_that_begin_alike_are_seen_by_their_names_alone(
    xnat: XNAT, capfd: pytest.CaptureFixture[str]
) -> None:
    session = xnat.has_session("P1", "S1", "E1", resources={"R": {"a": b"1", "ab": b"2"}})
    path = f"/data/experiments/{session.id}/resources/R/files/a"

    def tells_less(request: Request, response: Response) -> None:
        if request.method == "GET" and request.path.endswith("/files"):
            response.data = response.get_data().replace(b'"URI":', b'"other":')

    xnat.app.after(tells_less)
    assert main(["delete", path, "--yes"]) == 2
    assert xnat.requests("DELETE") == []
