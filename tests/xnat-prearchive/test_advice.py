"""What xnat-prearchive archive advises when the server refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Run, Stage


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_to_override_that_the_study_is_another_is_not_advised(
    run: Run, stage: Stage, more: tuple[str, ...]
) -> None:
    run("archive", *stage("E1", study="1.2.1"))
    status, _, err = run("archive", *stage("E1", study="1.2.2"), *more)
    assert status == 1
    assert "Invalid modification of session UID" in err
    assert "--overwrite" not in err


def test_to_override_that_the_subject_is_another_is_not_advised(run: Run, stage: Stage) -> None:
    run("archive", *stage())
    status, _, err = run("archive", *stage(), "--subject", "OTHER")
    assert status == 1
    assert "Invalid modification of session subject" in err
    assert "--overwrite" not in err
