"""A link beside an exam that leads nowhere is no file that there is not."""

from __future__ import annotations

import pytest

from support.uploads import Uploader
from xnat_core.errors import UploadError
from xnat_upload.exam_folder import look_into


def test_a_loose_link_that_leads_nowhere_is_a_failure(upload: Uploader) -> None:
    upload.series()
    (upload.folder / "notes.txt").write_text("x")
    (upload.folder / "lost.txt").symlink_to("nowhere")
    with pytest.raises(UploadError, match=r"lost\.txt: a link to nowhere, which is not there"):
        look_into(upload.folder, "MISC")


def test_among_loose_dicom_its_upload_tells_of_it(upload: Uploader) -> None:
    file = upload.series()[0]
    file.rename(upload.folder / file.name)
    (upload.folder / "lost.dcm").symlink_to("nowhere")
    assert look_into(upload.folder, "MISC").has_dicom
