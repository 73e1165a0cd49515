"""Files that say what is to be renamed, and those that do not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.answers import Run
from support.sandbox import XNAT


def test_patterns_of_other_projects_alone_are_told(xnat: XNAT, edit: Run, tmp_path: Path) -> None:
    xnat.has_subject("P1", "A")
    pattern = {"project": "P2", "match": "A", "to": "B"}
    (tmp_path / "f.json").write_text(json.dumps({"patterns": [pattern]}))
    answer = edit("rename", "subject", "-P", "P1", "--patterns-file", str(tmp_path / "f.json"))
    assert (answer.status, xnat.requests("PUT")) == (2, [])
    assert "no pattern is for project P1, but for P2" in answer.err


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
