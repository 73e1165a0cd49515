"""Files with one SOP Instance UID: the receiver keeps only one of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.receivers import Scripted, at
from xnat_cstore.service import upload_dicom_store
from xnat_sandbox.samples import write_series

if TYPE_CHECKING:
    from conftest import Run


@pytest.fixture
def series(tmp_path: Path) -> list[Path]:
    """Six slices of one study, in the folder `sent`."""
    return write_series(tmp_path / "sent", instances=6, study_uid="1.2.3")


@pytest.fixture
def namesake(series: list[Path]) -> Path:
    """A file with the UID of the first slice, but with other pixels."""
    path = series[0].with_name("other.dcm")
    content = series[0].read_bytes()
    path.write_bytes(content[:-4] + b"\x55" * 4)
    return path


def test_only_one_of_two_that_differ_is_sent_and_the_other_is_a_failure(
    run: Run, scp: Scripted, series: list[Path], namesake: Path
) -> None:
    words = ("send", namesake.parent, *at(scp.port))
    for files, known in ((6, None), (0, 6)):
        status, (other, study), err = run(*words)
        assert (status, len(scp.received)) == (1, 6)
        assert (other["kind"], other["path"]) == ("dicom", str(namesake))
        assert f"{namesake} and {series[0]} differ, but have the same SOP Instance UID" in err
        # A study that is not whole must not be archived by the next tool.
        assert (study["outcome"], study["files"], study["failed"]) == ("failed", files, 1)
        assert study.get("known") == known


def test_one_that_has_been_seen_to_differ_is_a_failure_of_its_record(
    run: Run, scp: Scripted, series: list[Path], namesake: Path
) -> None:
    names = [str(path) for path in (*series, namesake)]
    lines = [{"kind": "dicom", "path": name, "mine": name} for name in names]
    status, records, _ = run("send", *at(scp.port), "--each", records=lines)
    assert status == 1
    assert {r["mine"]: r["outcome"] for r in records} == {
        **{str(path): "done" for path in series},
        str(namesake): "failed",
    }


def test_one_that_goes_on_where_the_other_ends_differs(
    run: Run, scp: Scripted, series: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As where the shorter one ends with a block.
    monkeypatch.setattr("xnat_cstore.namesakes.BLOCK", 1)
    longer = series[0].with_name("other.dcm")
    padding = b"\xfc\xff\xfc\xffOB\0\0\2\0\0\0\0\0"
    longer.write_bytes(series[0].read_bytes() + padding)
    status, (other, study), _ = run("send", longer.parent, *at(scp.port), "--dry-run")
    assert (status, other["path"], study["failed"]) == (1, str(longer), 1)


def test_a_dry_run_tells_of_one_that_differs(
    run: Run, scp: Scripted, series: list[Path], namesake: Path
) -> None:
    status, (other, study), _ = run("send", namesake.parent, *at(scp.port), "--dry-run")
    assert (status, other["path"], other["outcome"]) == (1, str(namesake), "failed")
    assert (study["outcome"], study["files"], study["failed"]) == ("planned", 6, 1)


def test_a_copy_is_not_sent_again(
    run: Run, scp: Scripted, series: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "linked.dcm").symlink_to(series[0])
    # What stands before the data set is not sent.
    content = series[1].read_bytes()
    (tmp_path / "copied.dcm").write_bytes(b"\1" * 128 + content[128:])
    status, (study,), err = run("send", tmp_path, series[2], *at(scp.port))
    assert (status, err, study["files"], study["known"]) == (0, "", 6, 3)
    assert len(scp.received) == len(set(scp.uids)) == 6


def test_the_library_function_knows_copies_from_others(
    scp: Scripted, series: list[Path], namesake: Path
) -> None:
    (namesake.parent / "copy.dcm").write_bytes(series[3].read_bytes())
    summary = upload_dicom_store(namesake.parent, "127.0.0.1", "RECEIVER", port=scp.port)
    assert (summary.success, summary.sent, summary.failed) == (False, 6, 1)
    assert summary.log_dir is not None
    assert "the same SOP Instance UID" in (summary.log_dir / "failures.ndjson").read_text()
