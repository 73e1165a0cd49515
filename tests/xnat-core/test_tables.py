"""Texts cut to the columns of a terminal."""

from __future__ import annotations

import pytest

from xnat_core import tables


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("abcdef", "abcdef"),
        ("abcdefg", "abcde…"),
        ("a\u0301bcdef", "a\u0301bcdef"),
        ("a\u0301bcdefg", "a\u0301bcde…"),
        ("日本語日本語", "日本…"),
        ("", ""),
    ],
)
def test_a_text_is_cut_by_what_a_terminal_shows(text: str, shown: str) -> None:
    assert tables.cut(text, 6) == shown


@pytest.mark.timeout(20)
def test_a_long_text_is_cut_at_once() -> None:
    assert tables.width(tables.cut("ö" * 1_000_000, 50)) == 50
