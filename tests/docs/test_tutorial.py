"""The tutorial tells the truth."""

from __future__ import annotations

import pytest

from docs.conftest import DOCS
from support.documents import Shell, expected, follow


@pytest.mark.timeout(900)
def test_the_tutorial_can_be_followed_word_for_word(shell: Shell) -> None:
    assert follow(DOCS / "tutorial.md", shell) > 10


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a\n", "a\n", True),
        ("a…c\n", "abc\n", True),
        ("a…c\n", "a\nc\n", False),
        ("a\n…\nz\n", "a\nb\nc\nz\n", True),
        ("a\n…\nz\n", "a\nz\n", True),
        ("a\n", "a\nb\n", False),
        ("a.c\n", "abc\n", False),
    ],
)
def test_what_is_shown_is_compared_with_what_is_printed(
    shown: str, printed: str, same: bool
) -> None:
    import re

    assert (re.fullmatch(expected(shown), printed) is not None) is same
