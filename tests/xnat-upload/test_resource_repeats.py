"""Requests that store something else than was sent, or only its beginning."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from support.resources import Run, session_path, stored
from support.sandbox import XNAT

HERE = ("-P", "P1", "E1", "R", "files/a.txt")


def stores_instead(xnat: XNAT, data: bytes, times: int, status: int = 200) -> None:
    """Store something else the next times, and answer as if nothing were wrong, or so."""
    left = [times]

    def hook(request: Request) -> Response | None:
        if request.method != "PUT" or not request.path.endswith("/a.txt") or not left[0]:
            return None
        if request.headers.get("X-Inside"):
            return None
        left[0] -= 1
        path = request.full_path
        answer = xnat.call("PUT", path, data=data, headers={"X-Inside": "yes"})
        return Response(answer.content, answer.status_code if status == 200 else status)

    xnat.before(hook)


def test_what_arrived_damaged_is_sent_again(run: Run, xnat: XNAT) -> None:
    stores_instead(xnat, b"fir5t", times=1)
    status, records, err = run(*HERE)
    assert (status, records[0]["outcome"]) == (0, "done"), err
    assert stored(xnat, session_path(xnat), "R") == {"a.txt": b"first"}


def test_what_arrives_damaged_each_time_is_a_failure(run: Run, xnat: XNAT) -> None:
    stores_instead(xnat, b"fir5t", times=99)
    status, records, err = run(*HERE)
    assert (status, records[0]["outcome"]) == (8, "failed")
    assert "R/a.txt arrived otherwise than it was sent, twice" in err


@pytest.mark.parametrize("left", [b"", b"fir"])
def test_the_beginning_that_the_first_attempt_left_is_completed(
    run: Run, xnat: XNAT, monkeypatch: pytest.MonkeyPatch, left: bytes
) -> None:
    monkeypatch.setattr("xnat_core.http.retries.FIRST_PAUSE", 0)
    stores_instead(xnat, left, times=1, status=502)
    status, records, err = run(*HERE)
    assert (status, records[0]["outcome"]) == (0, "done"), err
    assert stored(xnat, session_path(xnat), "R") == {"a.txt": Path("files/a.txt").read_bytes()}


def zipped(folder: Path) -> tuple[str, ...]:
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("b.txt", b"b")
    return ("-P", "P1", "E1", "R", str(folder / "a.zip"), "--extract")


def test_an_archive_that_is_unpacked_while_a_proxy_gives_up_is_sent_once(
    run: Run, xnat: XNAT, tmp_path: Path
) -> None:
    xnat.loses("PUT", f"/data/{session_path(xnat)}", 504, times=9)
    xnat.lags("/files", after="a.zip")
    status, records, err = run(*zipped(tmp_path))
    assert (status, records[0]["outcome"]) == (0, "done"), err
    assert len(xnat.requests("PUT", f"/data/{session_path(xnat)}")) == 1


def test_an_archive_that_never_comes_out_is_a_failure(
    run: Run, xnat: XNAT, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xnat_core.services.filling.LONGEST_WAIT", 0.1)
    xnat.fails("PUT", f"/data/{session_path(xnat)}", 504, times=9)
    status, _, err = run(*zipped(tmp_path))
    assert (status, err.count("504")) == (1, 1)
    assert len(xnat.requests("PUT", f"/data/{session_path(xnat)}")) == 1


def folder(place: Path, size: int = 1) -> tuple[str, ...]:
    (place / "f/g").mkdir(parents=True)
    for name in ("a.txt", "g/b.txt"):
        (place / "f" / name).write_bytes(name.encode() * size)
    return ("-P", "P1", "E1", "R", str(place / "f"))


def test_a_folder_that_is_unpacked_while_a_proxy_gives_up_is_sent_once(
    run: Run, xnat: XNAT, tmp_path: Path
) -> None:
    xnat.loses("PUT", f"/data/{session_path(xnat)}", 504, times=9)
    xnat.lags("/files", after="upload.zip")
    status, records, err = run(*folder(tmp_path))
    assert (status, records[0]["outcome"], records[0]["files"]) == (0, "done", 2), err
    assert len(xnat.requests("PUT", f"/data/{session_path(xnat)}")) == 1


def test_a_folder_that_never_comes_out_is_a_failure(
    run: Run, xnat: XNAT, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xnat_core.services.filling.LONGEST_WAIT", 0.1)
    xnat.fails("PUT", f"/data/{session_path(xnat)}", 504, times=9)
    status, _, err = run(*folder(tmp_path))
    assert (status, err.count("504")) == (1, 1)
    assert len(xnat.requests("PUT", f"/data/{session_path(xnat)}")) == 1


def test_a_folder_that_a_proxy_does_not_take_is_sent_again(
    run: Run, xnat: XNAT, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xnat_core.http.retries.FIRST_PAUSE", 0)
    xnat.fails("PUT", f"/data/{session_path(xnat)}", 504, times=2)
    status, records, err = run(*folder(tmp_path, size=4_000_000))
    assert (status, records[0]["outcome"]) == (0, "done"), err
    assert len(xnat.requests("PUT", f"/data/{session_path(xnat)}")) == 3


def test_a_file_whose_name_the_server_changes_is_no_matter_of_permission(
    run: Run, xnat: XNAT, tmp_path: Path
) -> None:
    (tmp_path / "f").mkdir()
    for name in ("a.txt", "ü.txt"):
        (tmp_path / "f" / name).write_text(name)

    def lists(request: Request, response: Response) -> None:
        if request.path.endswith("/files"):
            response.data = (
                response.get_data().replace("ü".encode(), b"?").replace(b"\\u00fc", b"?")
            )

    xnat.app.after(lists)
    status, _, err = run("-P", "P1", "E1", "R", str(tmp_path / "f"))
    assert (status, "permission" in err) == (1, False)
    assert "R/ü.txt: the server did not store it, or under another name" in err


def test_an_unknown_resource_may_be_answered_by_404(run: Run, xnat: XNAT) -> None:
    def not_found(request: Request, response: Response) -> None:
        if request.path.endswith("/resources/R/files") and b'"Result":[]' in response.data:
            response.status_code, response.data = 404, b""

    xnat.app.after(not_found)
    status, records, err = run(*HERE)
    assert (status, records[0]["outcome"]) == (0, "done"), err
    assert run("-P", "P1", "NOPE", "R", "files/a.txt")[0] == 5
