"""Two visits of a patient whom the server does not know yet."""

from __future__ import annotations

from werkzeug.wrappers import Request

from support.uploads import Uploader


def test_the_second_visit_is_archived_when_the_first_has_made_the_subject(upload: Uploader) -> None:
    upload.xnat.settings.archive_delay = 0.6
    there: list[int] = []

    def note(request: Request) -> None:
        if request.method == "POST" and "direct-archive" in request.path:
            there.append(len(upload.xnat.store.items.subjects_of_project("P1")))

    upload.xnat.before(note)
    for number in (1, 2):
        upload.series(series=number, patient="PAT", session=f"V{number}", study_uid=f"1.2.{number}")
    ran = upload(upload.folder, "-P", "P1")
    assert (ran.status, len(ran.records), there) == (0, 2, [0, 1]), ran.err
    assert upload.count(label="V1") == upload.count(label="V2") == 3
