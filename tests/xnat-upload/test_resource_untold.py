"""Resources of a server whose listings tell neither sizes nor digests: the files are read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from support.resources import Run, session_path, stored
from support.sandbox import XNAT

HERE = ("-P", "P1", "E1", "R")


@pytest.fixture(autouse=True)
def untold(xnat: XNAT) -> None:
    """No file that is listed has a size or a digest."""

    def blank(asked: Request, answer: Response) -> None:
        if asked.path.endswith("/files") and answer.mimetype == "application/json":
            document = json.loads(answer.data)
            for row in document["ResultSet"]["Result"]:
                row["Size"] = row["digest"] = ""
            answer.data = json.dumps(document)

    xnat.app.after(blank)


@pytest.mark.parametrize("options", [(), ("--verify",)])
def test_what_was_sent_is_known_by_its_content(
    run: Run, xnat: XNAT, options: tuple[str, ...]
) -> None:
    sent = len(xnat.requests("PUT"))
    for outcome in ("done", "skipped"):
        status, records, err = run(*HERE, "files", *options)
        assert (status, records[0]["outcome"]) == (0, outcome), err
    assert len(xnat.requests("PUT")) == sent + 1
    files = [one for one in xnat.requests("GET") if "/files" in one.path]
    read = [one for one in files if one.args.get("format") != "json"]
    assert {one.args.get("format") for one in read} == {"zip"}


def test_other_content_is_told_and_replaced_when_that_is_wanted(run: Run, xnat: XNAT) -> None:
    assert run(*HERE, "files")[0] == 0
    Path("files/a.txt").write_bytes(b"other content")
    status, _, err = run(*HERE, "files")
    assert status == 1
    assert "already exists with other content" in err
    assert run(*HERE, "files", "--overwrite")[0] == 0
    assert stored(xnat, session_path(xnat), "R")["a.txt"] == b"other content"


def test_what_arrived_damaged_is_found_out(run: Run, xnat: XNAT) -> None:
    def hook(request: Request) -> Response | None:
        if request.method != "PUT" or request.headers.get("X-Inside"):
            return None
        xnat.call("PUT", request.full_path, data=b"fir5t", headers={"X-Inside": "yes"})
        return Response(b"", 200)

    xnat.before(hook)
    status, _, err = run(*HERE, "files/a.txt")
    assert status == 8
    assert "R/a.txt arrived otherwise than it was sent" in err


def test_what_an_archive_was_unpacked_to_is_known_by_its_content(run: Run, tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "a"), "zip", "files")
    for outcome in ("done", "skipped"):
        status, records, err = run(*HERE, archive, "--extract")
        assert (status, records[0]["outcome"]) == (0, outcome), err
