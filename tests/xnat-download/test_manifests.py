"""Manifests that cannot be read or written."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.downloads import Downloader
from xnat_core.errors import DownloadError, OperationError
from xnat_core.files import atomic_write
from xnat_download import manifest
from xnat_download.disk import Tree
from xnat_download.manifest import NOTE, Manifests
from xnat_download.places import Place


@pytest.fixture
def scans(download: Downloader) -> list[dict[str, Any]]:
    """A scan of each of two sessions."""
    found = []
    for label in ("MR1", "MR2"):
        session = download.xnat.has_session("P1", "S1", label, {"1": {"a": label.encode()}})
        above = {"session": label, "session_id": session.id, "project": "P1"}
        found.append({"kind": "scan", "id": "1", **above})
    return found


def test_one_that_cannot_be_read_is_not_written_anew(
    download: Downloader, scans: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert download.records(*scans).status == 0
    locked, before = download.out / "MR1/manifest.ndjson", Path.open
    text = locked.read_bytes()

    def refuse(path: Path, *how: Any, **more: Any) -> Any:
        if path == locked:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return before(path, *how, **more)

    download.xnat.has_session("P1", "S1", "MR1", {"2": {"b": b"two"}})
    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", refuse)
        ran = download.records({**scans[0], "id": "2"})
    assert ran.status == 1
    assert "manifest.ndjson: Permission denied" in ran.err
    assert locked.read_bytes() == text


def test_one_that_cannot_be_written_is_no_reason_to_leave_the_others(
    download: Downloader, scans: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def refuse(final: Path) -> Iterator[Any]:
        if final == download.out / "MR1/manifest.ndjson":
            raise OperationError("write", f"{final}: Permission denied")
        with atomic_write(final) as part:
            yield part

    monkeypatch.setattr(manifest, "atomic_write", refuse)
    ran = download.records(*scans)
    assert ran.status == 1
    assert "MR1/manifest.ndjson: Permission denied" in ran.err
    assert (download.out / "MR2/manifest.ndjson").exists()


def test_names_that_are_no_text_are_no_entries(download: Downloader) -> None:
    download.xnat.has_session("P1", "S1", "MR1", {"1": {"a": b"one"}})
    folder = download.out / "MR1"
    folder.mkdir(parents=True)
    (folder / "manifest.ndjson").write_text('{"local_path": "\\ud800"}\n')
    assert download("check", download.out).status == 8
    assert download.session("MR1").status == 0
    assert download("check", download.out).status == 0


@pytest.mark.parametrize("facts", [{"size": 1 << 63}, {"size": []}, {"digest": {}}])
def test_what_no_manifest_says_of_a_file_is_no_entry(
    download: Downloader, facts: dict[str, object]
) -> None:
    download.xnat.has_session("P1", "S1", "MR1", {"1": {"a.dcm": b"a"}})
    assert download.session("MR1").status == 0
    manifest = download.out / "MR1/manifest.ndjson"
    whole = manifest.read_bytes()
    manifest.write_bytes(whole + json.dumps({"local_path": "b", **facts}).encode() + b"\n")
    assert download("check", download.out).status == 8
    ran = download.session("MR1")
    assert ran.status == 0, ran.err
    assert manifest.read_bytes() == whole


def test_an_empty_one_does_not_make_a_folder_anybodys(tmp_path: Path) -> None:
    """As a power failure may leave it."""
    (tmp_path / "MR1").mkdir()
    (tmp_path / "MR1/manifest.ndjson").touch()
    one, other = (Place("session", "P1", session="MR1", session_id=id) for id in ("E1", "E2"))
    Manifests(Tree(tmp_path), None).occupy("MR1", one, "http://x", "")
    with pytest.raises(DownloadError, match="holds session E1"):
        Manifests(Tree(tmp_path), None).require_owner("MR1", other, "http://x", "")


def test_a_folder_that_two_runs_have_found_free_is_of_the_first(tmp_path: Path) -> None:
    one, other = (Place("session", "P1", session="MR1", session_id=id) for id in ("E1", "E2"))
    runs = [Manifests(Tree(tmp_path), None) for _ in range(2)]
    for run, place in zip(runs, (one, other), strict=True):
        run.require_owner("MR1", place, "http://x", "")
    runs[0].occupy("MR1", one, "http://x", "")
    with pytest.raises(DownloadError, match="holds session E1"):
        runs[1].occupy("MR1", other, "http://x", "")


def test_a_note_that_is_being_made_when_the_run_is_stopped_is_no_manifest(tmp_path: Path) -> None:
    manifests = Manifests(Tree(tmp_path), None)
    manifests.insert(f"MR1/{NOTE}", {"local_path": "a"})
    manifests.insert("MR2", {"local_path": "a"})
    manifests.write(stopped=True)
    assert (tmp_path / "MR2").exists() and not (tmp_path / "MR1").exists()
