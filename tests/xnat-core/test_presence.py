"""Whether something is there is not answered by a disk that does not tell."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from xnat_core.presence import exists


def test_a_file_a_folder_and_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.touch()
    around = tmp_path / "around"
    around.symlink_to(around)
    nowhere = tmp_path / "nowhere"
    nowhere.symlink_to("b")
    assert exists(tmp_path)
    assert exists(file)
    assert not any(map(exists, [tmp_path / "b", file / "c", around, nowhere, Path("a\0b")]))


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EACCES])
def test_an_error_of_the_disk_is_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fail(path: Path, **_: object) -> os.stat_result:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(Path, "stat", fail)
    with pytest.raises(OSError, match="a") as caught:
        exists(tmp_path / "a")
    assert caught.value.errno == number
