"""Objects that share a folder: it is read once for all, and what is left beside them is theirs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.downloads import Downloader
from xnat_download import leftovers
from xnat_download.partial import WORTH_RESUMING, left_parts

FILES = 40
LAYOUT = "{session}-{scan}-{name}"


@pytest.fixture
def scanned(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that have been looked through for partial files."""
    found: list[Path] = []

    def look(folder: Path) -> Any:
        found.append(folder)
        return left_parts(folder)

    monkeypatch.setattr(leftovers, "left_parts", look)
    return found


def file_records(download: Downloader, files: dict[str, bytes]) -> list[dict[str, Any]]:
    """What `xnat-ls files` prints of a scan with these files."""
    session = download.xnat.has_session("P1", "S1", "MR1", {"1": files})
    rows = download.xnat.rows(f"/data/experiments/{session.id}/scans/1/files?format=json")
    known = {"project": "P1", "subject": "S1", "session": "MR1", "session_id": session.id}
    return [
        {
            **{"kind": "file", "path": row["Name"], "uri": row["URI"], "scan": "1", **known},
            **{"resource": row["collection"], "size": int(row["Size"]), "digest": row["digest"]},
        }
        for row in rows
    ]


def test_records_of_files_read_their_folder_once(download: Downloader, scanned: list[Path]) -> None:
    records = file_records(download, {f"{n}.dcm": b"x%d" % n for n in range(FILES)})
    assert download.records(*records).status == 0
    assert len(scanned) == 1
    assert len(list(download.out.rglob("*.dcm"))) == FILES


def test_sessions_side_by_side_read_their_folder_once(
    download: Downloader, scanned: list[Path]
) -> None:
    names = [f"MR{n}" for n in range(FILES)]
    for name in names:
        download.xnat.has_session("P1", "S1", name, {"1": {"a.dcm": name.encode()}})
    records = [download.record(name) for name in names]
    ran = download.records(*records, words=("--layout", LAYOUT))
    assert (ran.status, len(scanned)) == (0, 1)


def test_a_record_of_a_file_leaves_what_another_one_can_be_taken_up_from(
    download: Downloader,
) -> None:
    data = {name: name.encode() * WORTH_RESUMING for name in "ab"}
    records = {record["path"]: record for record in file_records(download, data)}
    assert download.records(*records.values()).status == 0
    (place,) = {path.parent for path in download.out.rglob("[ab]")}
    for name in "ab":
        (place / name).unlink()
        half = data[name][: len(data[name]) - 5]
        (place / f".{name}.7-0123abcd.part").write_bytes(half)
    assert download.records(records["a"]).status == 0
    assert [name for name, _ in left_parts(place)] == ["b"]
    assert download.records(records["b"]).status == 0
    assert (place / "b").read_bytes() == data["b"]
    assert not list(left_parts(place))


def test_data_that_looks_like_a_partial_file_of_another_record_stays(
    download: Downloader,
) -> None:
    records = file_records(download, {".foo.12-abcdef01.part": b"data", "foo": b"x"})
    for _ in range(2):
        assert download.records(*records, words=("-w", "1")).status == 0
    kept = [path.name for path in download.out.rglob("*foo*")]
    assert sorted(kept) == [".foo.12-abcdef01.part", "foo"]
