"""Listings that show what was sent only some time later."""

from __future__ import annotations

import pytest

from support.uploads import Uploader

HERE = ("-P", "P1", "-S", "S1", "-E", "E1")
ARCHIVED, STAGED = "/files$", "/resources$"

pytestmark = pytest.mark.usefixtures("patient")


@pytest.mark.parametrize("mode", ["tar", "gradual"])
@pytest.mark.parametrize("overwrite", ["append", "delete", "none"])
def test_what_was_archived_a_moment_ago_is_waited_for_and_not_sent_again(
    upload: Uploader, mode: str, overwrite: str
) -> None:
    upload.series()
    upload.xnat.lags(ARCHIVED, after="POST /data/services/import")
    ran = upload(upload.folder, *HERE, "--mode", mode, "--overwrite", overwrite, "--workers", 1)
    assert (ran.status, ran.err) == (0, "")
    assert (len(upload.imports()), upload.count()) == ({"tar": 1, "gradual": 3}[mode], 3)


def test_what_was_staged_a_moment_ago_is_waited_for_and_not_sent_again(upload: Uploader) -> None:
    upload.series()
    upload.xnat.lags(STAGED, after="POST /data/services/import")
    ran = upload(upload.folder, *HERE, "--prearchive", "--workers", 1)
    assert (ran.status, ran.err) == (0, "")
    assert (len(upload.imports()), len(upload.staged())) == (1, 1)


def test_a_row_that_appears_late_is_waited_for(upload: Uploader) -> None:
    upload.series()
    upload.xnat.lags("/prearchive/.*/E1$", after="POST /data/services/import")
    ran = upload(upload.folder, *HERE, "--prearchive", "--workers", 1)
    assert (ran.err, ran.status) == ("", 0)
    assert len(upload.staged()) == 1


def test_what_a_killed_run_has_just_sent_is_waited_for_and_not_sent_again(
    upload: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload.series()
    upload.xnat.lags(ARCHIVED, after="POST /data/services/import", times=3)
    with monkeypatch.context() as impatient:
        impatient.setattr("xnat_core.lagging.PATIENCE", 0.0)
        assert upload(upload.folder, *HERE, "--workers", 1).status == 1
    ran = upload(upload.folder, *HERE, "--workers", 1, "--overwrite", "append")
    assert (ran.status, ran.err) == (0, "")
    assert (len(upload.imports()), upload.count()) == (1, 3)
