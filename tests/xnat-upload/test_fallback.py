"""Direct archiving that ends in the prearchive, because the session has come from elsewhere."""

from __future__ import annotations

import pytest
from werkzeug.wrappers import Request, Response

from support.uploads import Uploader
from xnat_sandbox.samples import write_series
from xnat_upload.headers import read_file

HERE = ("-P", "P1", "-S", "S1", "-E", "E1")
STUDY = "1.2.3"


def comes_meanwhile(upload: Uploader, study: str, before: str = "/xapi/direct-archive/") -> None:
    """A session of that label is archived just before the server is told to archive this one."""

    def hook(request: Request) -> Response | None:
        if request.method == "POST" and request.path.startswith(before):
            upload.xnat.has_session("P1", "S1", "E1", UID=study)
        return None

    upload.xnat.before(hook)


@pytest.mark.parametrize("mode", ["tar", "gradual"])
def test_what_was_left_in_the_prearchive_joins_the_session(upload: Uploader, mode: str) -> None:
    comes_meanwhile(upload, STUDY)
    write_series(upload.folder, study_uid=STUDY)
    ran = upload(upload.folder, *HERE, "--mode", mode)
    assert (ran.status, upload.staged(), upload.count()) == (0, [], 3), ran.err


@pytest.mark.parametrize("overwrite", [(), ("--overwrite", "delete")])
@pytest.mark.parametrize("mode", ["tar", "gradual"])
def test_what_cannot_join_it_is_not_done(
    upload: Uploader, mode: str, overwrite: tuple[str, ...]
) -> None:
    comes_meanwhile(upload, "9.9.9")
    write_series(upload.folder, study_uid=STUDY)
    ran = upload(upload.folder, *HERE, "--mode", mode, *overwrite)
    assert (ran.status, len(upload.staged()), upload.count()) == (1, 1, 0), ran.err


@pytest.mark.parametrize("overwrite", [(), ("--overwrite", "delete")])
def test_nothing_is_overridden_in_what_comes_at_the_last_moment(
    upload: Uploader, overwrite: tuple[str, ...]
) -> None:
    upload.xnat.settings.version = "1.8.2"
    comes_meanwhile(upload, "9.9.9", before="/data/services/archive")
    write_series(upload.folder, study_uid=STUDY)
    ran = upload(upload.folder, *HERE, *overwrite)
    assert (ran.status, len(upload.staged()), upload.count()) == (1, 1, 0), ran.err


@pytest.mark.parametrize("refused", [False, True])
def test_a_row_that_the_server_only_says_to_have_archived_is_told(
    upload: Uploader, refused: bool
) -> None:
    """Unless there is something else that keeps the session from being whole."""
    upload.xnat.settings.version = "1.8.2"
    upload.xnat.has_session("P1", "S1", "E1", UID=STUDY)

    def hook(request: Request) -> Response | None:
        if request.path != "/data/services/archive":
            return None
        return Response("/data/archive/projects/P1/subjects/S1/experiments/E1\r\n")

    upload.xnat.before(hook)
    header = read_file(write_series(upload.folder, study_uid=STUDY)[-1])
    assert header is not None
    if refused:
        upload.xnat.settings.import_fault = lambda uid: "disk quota" if uid == header.uid else None
    ran = upload(upload.folder, *HERE, "--workers", 2)
    assert (ran.status, upload.count()) == (1, 0)
    assert ("disk quota" if refused else "(READY) is left in the prearchive") in ran.err
