"""A folder that cannot be listed to its end has no partial files that anybody may take."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from xnat_download import partial


class _Stale:
    """A listing that fails after one entry, as that of a network disk may."""

    def __init__(self, entries: Any) -> None:
        self._entries = entries

    def __enter__(self) -> _Stale:
        return self

    def __exit__(self, *_: object) -> None:
        self._entries.close()

    def __iter__(self) -> Iterator[Any]:
        yield next(self._entries)
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))


@pytest.fixture
def stale(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders that cannot be listed to their end."""
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda folder: _Stale(scandir(folder)))


@pytest.mark.usefixtures("stale")
def test_a_file_that_is_whole_does_not_fail_for_what_is_beside_it(tmp_path: Path) -> None:
    final = tmp_path / "a.dcm"
    final.write_bytes(b"whole")

    partial.remove_left_of(final)

    assert final.read_bytes() == b"whole"


@pytest.mark.usefixtures("stale")
def test_what_was_seen_before_is_told_of(tmp_path: Path) -> None:
    left = tmp_path / ".a.dcm.1-00000000.part"
    left.write_bytes(b"half")

    assert list(partial.left_parts(tmp_path)) == [("a.dcm", left)]
