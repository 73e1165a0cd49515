"""Files that say what is to be renamed, and those that do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.answers import Run
from support.sandbox import XNAT


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[1]", "must be a JSON object"),
        ('{"A": 1}', "must be a JSON object"),
        ("{", "not JSON: "),
        ("old,new\nA,B\n", "not JSON: "),
        ('{"A": "B", "A": "C"}', "'A' is there twice"),
        ('{"patterns": []}', "must be {"),
    ],
)
def test_a_file_that_is_none_is_refused(
    xnat: XNAT, edit: Run, tmp_path: Path, text: str, why: str
) -> None:
    xnat.has_subject("P1", "A")
    (tmp_path / "f.json").write_text(text)
    option = "--patterns-file" if "patterns" in text else "--mapping"
    answer = edit("rename", "subject", "-P", "P1", option, str(tmp_path / "f.json"))
    assert (answer.status, answer.out) == (2, "")
    assert f"f.json: {why}" in answer.err
    assert not xnat.requests("PUT")
