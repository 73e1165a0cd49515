"""Sites that want to know why something is changed."""

from __future__ import annotations

import pytest

from support.answers import Run
from support.sandbox import XNAT

CHANGES = (
    ("create", "project", "P2"),
    ("create", "subject", "-P", "P1", "S2"),
    ("set", "-P", "P1", "-E", "E1", "note=x"),
    ("rename", "session", "-P", "P1", "E1", "E2"),
    ("delete", "scans", "-P", "P1", "-E", "E1", "-s", "1", "--yes"),
    ("delete", "session", "-P", "P1", "E1", "--yes"),
)


@pytest.mark.parametrize("words", CHANGES, ids=lambda words: "-".join(words[:2]))
def test_a_change_without_a_reason_is_refused_where_one_is_wanted(
    xnat: XNAT, edit: Run, words: tuple[str, ...]
) -> None:
    xnat.has_session("P1", "S1", "E1", {"1": {"a.dcm": b"x"}})
    xnat.store.preferences.set("requireChangeJustification", True)
    refused = edit(*words)
    assert refused.status != 0
    assert "justification is required. (--reason gives one)" in refused.err
    answer = edit(*words, "--reason", "typing error")
    assert (answer.status, answer.err) == (0, "")
