"""Files that have changed here since another upload brought them."""

from __future__ import annotations

import pydicom
import pytest

from support.uploads import Uploader
from xnat_core.lagging import look_until

WORDS = ("-P", "P1", "-S", "S1", "-E", "E1")


@pytest.fixture
def changed(upload: Uploader) -> Uploader:
    """Three files are in the archive; one of them has become longer here since then."""
    first, *_ = upload.series()
    assert upload(upload.folder, *WORDS).status == 0
    dataset = pydicom.dcmread(first)
    dataset.SeriesDescription = "described anew, and at some length"
    dataset.save_as(first)
    return upload


def test_what_was_not_read_again_is_not_verified(upload: Uploader) -> None:
    upload.series()
    first = upload(upload.folder, *WORDS)
    again = upload(upload.folder, *WORDS)
    thorough = upload(upload.folder, *WORDS, "--verify")
    found = [(ran.record["outcome"], ran.record["verified"]) for ran in (first, again, thorough)]
    assert found == [("done", True), ("skipped", False), ("skipped", True)]
    assert not again.err.strip()


@pytest.mark.parametrize("how", [(), ("--overwrite", "append"), ("--overwrite", "none")])
def test_another_size_is_told(changed: Uploader, how: tuple[str, ...]) -> None:
    ran = changed(changed.folder, *WORDS, *how)
    assert (ran.status, ran.record["outcome"], ran.record["verified"]) == (0, "skipped", False)
    assert "1 file has another size on the server than here" in ran.err
    assert "--overwrite delete replaces that" in ran.err


def test_replaced_it_is_verified(changed: Uploader) -> None:
    ran = changed(changed.folder, *WORDS, "--overwrite", "delete")
    assert (ran.status, ran.record["verified"], ran.err) == (0, True, "")
    there = {data for files in changed.archived().values() for data in files.values()}
    assert there == {path.read_bytes() for path in changed.folder.rglob("*.dcm")}


def test_where_a_script_rewrites_sizes_mean_nothing(changed: Uploader) -> None:
    headers = {"Content-Type": "text/plain"}
    changed.xnat.call("PUT", "/xapi/anonymize/site", data='(0010,0010) := "X"', headers=headers)
    ran = changed(changed.folder, *WORDS)
    assert (ran.status, ran.record["outcome"]) == (0, "skipped")
    assert "another size" not in ran.err


def describe_all(upload: Uploader) -> None:
    """All files are other ones now."""
    for path in upload.folder.rglob("*.dcm"):
        dataset = pydicom.dcmread(path)
        dataset.SeriesDescription = "described anew, and at some length"
        dataset.save_as(path)


def test_all_of_them_changed_is_a_failure_to_verify(upload: Uploader) -> None:
    upload.series()
    assert upload(upload.folder, *WORDS).status == 0
    describe_all(upload)
    ran = upload(upload.folder, *WORDS, "--verify")
    assert (ran.status, ran.record["outcome"]) == (8, "failed")
    assert "3 files have another MD5 on the server than here" in ran.err


@pytest.mark.parametrize("how", ["none", "append"])
def test_what_was_archived_meanwhile_is_not_sent_into_a_conflict(
    upload: Uploader, how: str
) -> None:
    """The session was archived when nobody waited for it any longer; then the files changed."""
    upload.xnat.settings.archive_delay = 1
    upload.series()
    first = upload(upload.folder, *WORDS, "--overwrite", how, "--wait", "0")
    upload.xnat.call("POST", first.record["uri"])
    look_until(upload.count, lambda count: count == 3, 30)
    there = upload.archived()
    describe_all(upload)
    ran = upload(upload.folder, *WORDS, "--overwrite", how)
    assert (ran.status, ran.record["outcome"], ran.record["verified"]) == (0, "skipped", False)
    assert "3 files have another MD5 on the server than here" in ran.err
    assert (upload.archived(), upload.staged()) == (there, [])


def test_what_still_waits_is_replaced_by_what_it_has_become(upload: Uploader) -> None:
    upload.xnat.settings.version = "1.8.2"
    upload.series()
    upload.xnat.fails("POST", "/data/services/archive", 403)
    assert upload(upload.folder, *WORDS, "--overwrite", "append").status != 0
    assert len(upload.staged()) == 1
    describe_all(upload)
    ran = upload(upload.folder, *WORDS, "--overwrite", "append")
    assert (ran.status, ran.record["files"], ran.record["verified"]) == (0, 3, True), ran.err
    there = {data for files in upload.archived().values() for data in files.values()}
    assert there == {path.read_bytes() for path in upload.folder.rglob("*.dcm")}
