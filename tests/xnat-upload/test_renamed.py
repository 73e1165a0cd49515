"""A study that is in the project under another label than its headers name, as after a rename."""

from __future__ import annotations

import pytest

from support.uploads import Uploader
from xnat_sandbox.samples import write_series


@pytest.fixture(autouse=True)
def renamed(upload: Uploader) -> None:
    """S1_MR1 has been archived, and is called PILOT_01 now."""
    write_series(upload.folder / "a", patient="S1", study_uid="1.2.3")
    assert upload(upload.folder, "-P", "P1").status == 0
    url = "/data/projects/P1/subjects/S1/experiments/S1_MR1"
    assert upload.xnat.call("PUT", url, params={"label": "PILOT_01"}).ok


@pytest.mark.parametrize("mode", ["tar", "gradual"])
@pytest.mark.parametrize("area", ["--direct-archive", "--prearchive"])
def test_it_does_not_come_twice(upload: Uploader, mode: str, area: str) -> None:
    sent = len(upload.imports())
    ran = upload(upload.folder, "-P", "P1", "--mode", mode, area)
    assert (ran.status, len(upload.imports())) == (2, sent)
    assert "study 1.2.3 is session 'PILOT_01' of project P1 already" in ran.err
    assert upload.archived(label="S1_MR1") == {}


def test_it_is_completed_under_the_label_that_it_has(upload: Uploader) -> None:
    ran = upload(upload.folder, "-P", "P1", "-S", "S1", "-E", "PILOT_01")
    assert (ran.status, ran.record["outcome"]) == (0, "skipped"), ran.err


def test_a_label_that_is_named_makes_a_second_session_of_it(upload: Uploader) -> None:
    ran = upload(upload.folder, "-P", "P1", "-S", "S1", "-E", "COPY")
    assert (ran.status, upload.count(label="COPY")) == (0, 3), ran.err
