"""An upload that ends at a bound."""

from __future__ import annotations

from support.uploads import Uploader


def test_what_is_left_is_skipped_with_the_reason_and_taken_up_by_the_next_run(
    upload: Uploader,
) -> None:
    upload.series(study_uid="1.2.1", session="A")
    upload.series(series=2, study_uid="1.2.2", session="B")
    ran = upload("-P", "P1", "-S", "S1", upload.folder, "--max-items=1")
    left = [record for record in ran.records if record.get("reason") == "max-items"]
    assert (ran.status, len(left), left[0]["outcome"]) == (0, 1, "skipped")
    again = upload("-P", "P1", "-S", "S1", upload.folder)
    assert (again.status, {record["outcome"] for record in again.records}) == (
        0,
        {"done", "skipped"},
    )
