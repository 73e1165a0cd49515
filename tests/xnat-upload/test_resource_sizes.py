"""Resources of a server whose listings leave the sizes blank: the digests tell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from support.resources import Run, session_path, stored
from support.sandbox import XNAT
from xnat_core.models import ResourceFile
from xnat_core.services.stored import is_as_sent

HERE = ("-P", "P1", "E1", "R")


@pytest.fixture(autouse=True, params=["blank", "absent"])
def without_sizes(xnat: XNAT, request: pytest.FixtureRequest) -> None:
    """No file that is listed has one."""

    def blank(asked: Request, answer: Response) -> None:
        if asked.method == "GET" and asked.path.endswith("/files") and answer.status_code == 200:
            document = json.loads(answer.data)
            for row in document["ResultSet"]["Result"]:
                row.pop("Size")
                if request.param == "blank":
                    row["Size"] = ""
            answer.data = json.dumps(document)

    xnat.app.after(blank)


def test_what_was_sent_is_known_by_its_digest(run: Run, xnat: XNAT) -> None:
    status, records, err = run(*HERE, "files", "--verify")
    assert (status, records[0]["outcome"]) == (0, "done"), err
    status, records, err = run(*HERE, "files", "--verify")
    assert (status, records[0]["outcome"]) == (0, "skipped"), err
    Path("files/a.txt").write_bytes(b"other content")
    status, _, err = run(*HERE, "files")
    assert status == 1
    assert "already exists with other content" in err
    assert run(*HERE, "files", "--overwrite")[0] == 0
    assert stored(xnat, session_path(xnat), "R")["a.txt"] == b"other content"


def test_where_nothing_is_told_of_a_file_it_is_not_taken_for_the_one_that_was_sent() -> None:
    row = {"Name": "a.txt", "URI": "/data/experiments/E1/resources/R/files/a.txt", "Size": ""}
    assert not is_as_sent(ResourceFile.from_row(row), 1, "9b6c")
    assert is_as_sent(ResourceFile.from_row({**row, "digest": "9b6c"}), 1, "9b6c")
    assert is_as_sent(ResourceFile.from_row({**row, "Size": "1"}), 1, "9b6c")
