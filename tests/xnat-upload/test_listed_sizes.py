"""DICOM that is there under other names, on servers that write the sizes of files in their way."""

from __future__ import annotations

import json

import pytest
from werkzeug.wrappers import Request, Response

from support.uploads import Uploader


def lists_sizes(upload: Uploader, written: str | None) -> None:
    """Have the server write them so, or not at all."""

    def write(asked: Request, answer: Response) -> None:
        if asked.method == "GET" and asked.path.endswith("/files") and answer.status_code == 200:
            document = json.loads(answer.data)
            for row in document["ResultSet"]["Result"]:
                size = row.pop("Size")
                if written is not None:
                    row["Size"] = written.format(size)
            answer.data = json.dumps(document)

    upload.xnat.app.after(write)


@pytest.mark.parametrize("written", ["{}.0", " {} ", "", None])
@pytest.mark.parametrize("study", ["1.2.3", "9.9.9"])
def test_it_is_known_by_its_digest(upload: Uploader, study: str, written: str | None) -> None:
    first, *_ = upload.series(study_uid="1.2.3")
    session = upload.xnat.has_session("P1", "S1", "E1", UID=study)
    upload.xnat.has_scan(session, "1", {"other.dcm": first.read_bytes()})
    lists_sizes(upload, written)
    ran = upload(upload.folder, "-P", "P1", "-S", "S1", "-E", "E1")
    assert (ran.status, upload.count()) == (0, 3), ran.err
