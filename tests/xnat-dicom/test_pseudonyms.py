"""Who gets which pseudonym, and by which key."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest

from support.answers import Run

pytestmark = pytest.mark.usefixtures("folder")


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_a_key_behind_a_link_that_leads_nowhere_is_not_replaced_by_one_of_the_moment(
    run: Run, more: tuple[str, ...]
) -> None:
    Path("study.key").symlink_to("unmounted/study.key")
    answer = run("anonymize", "a/1", "out", "--key-file", "study.key", *more)
    assert (answer.status, Path("out").exists()) == (1, False)
    assert "study.key: a link that leads nowhere" in answer.err


def test_patients_whom_nothing_names_do_not_become_one(run: Run) -> None:
    """Neither by ID nor by name nor by study: what is left is the series."""
    for path in (*Path("a/1").iterdir(), *Path("b").iterdir()):
        dataset = pydicom.dcmread(path)
        for keyword in ("PatientID", "PatientName", "StudyInstanceUID"):
            setattr(dataset, keyword, "")
        dataset.save_as(path)
    assert run("anonymize", "-r", ".", "../clean").status == 0
    ids = [pydicom.dcmread(path).PatientID for path in sorted(Path("../clean").rglob("*.dcm"))]
    first, second, *_, last = ids
    assert first == second != last
