"""Whether anything has happened to a session since a moment, as far as its history tells."""

from __future__ import annotations

from unittest.mock import Mock

import pytest

from xnat_core.services.touched import touched_since

CAME = "2026-01-02 03:04:05"
BEFORE, SAME, AFTER = "2026-01-02 03:04:04.9", "2026-01-02 03:04:05.0", "2026-01-02 03:04:06"


@pytest.mark.parametrize(
    ("dates", "made", "touched"),
    [
        ([AFTER], "", True),
        ([SAME], "", True),
        ([BEFORE], AFTER, False),
        ([BEFORE, AFTER], "", True),
        # Not every date can be read: then the session's own decides.
        ([None, AFTER], "", True),
        ([None, BEFORE], SAME, True),
        ([None, BEFORE], BEFORE, None),
        (["yesterday"], "", None),
        ([], AFTER, True),
        ([], BEFORE, None),
    ],
)
def test_the_history_decides_and_where_it_does_not_tell_when_it_was_made(
    dates: list[str | None], made: str, touched: bool | None
) -> None:
    client = Mock()
    client.get_json.return_value = {"events": [{"event_date": date} for date in dates]}
    client.rows.return_value = [
        {"ID": "E1", "insert_date": made},
        {"ID": "E2", "insert_date": AFTER},
    ]
    assert touched_since(client, "E1", CAME) is touched


def test_a_moment_that_cannot_be_read_decides_nothing() -> None:
    client = Mock()
    assert touched_since(client, "E1", "a moment ago") is None
    assert client.mock_calls == []
