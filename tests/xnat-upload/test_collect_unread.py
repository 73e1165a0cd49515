"""Who collects files to send them is told of those that cannot be read."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.uploads import Uploader
from xnat_core.errors import UploadError
from xnat_upload.service import collect_dicom_files


def failing(real: Callable[..., Any], name: str) -> Callable[..., Any]:
    """The same function, for which the disk fails at one name."""

    def fails(path: Any, *words: Any, **more: Any) -> Any:
        if Path(path).name == name:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return real(path, *words, **more)

    return fails


@pytest.mark.parametrize(("where", "name"), [("os.scandir", "s1"), ("pathlib.Path.open", "bare")])
def test_what_cannot_be_read_is_not_left_out_in_silence(
    upload: Uploader, monkeypatch: pytest.MonkeyPatch, where: str, name: str
) -> None:
    files = upload.series(instances=2)
    files[0].rename(files[0].with_name("bare"))
    real = os.scandir if where == "os.scandir" else Path.open
    monkeypatch.setattr(where, failing(real, name))
    with pytest.raises(UploadError, match=name):
        collect_dicom_files(upload.folder)


def test_links_that_lead_nowhere_are_passed_over(upload: Uploader) -> None:
    files = upload.series(instances=2)
    (upload.folder / "gone.dcm").symlink_to(upload.folder / "nowhere")
    assert collect_dicom_files(upload.folder) == sorted(files)
