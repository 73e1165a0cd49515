"""Usage texts in a narrow terminal."""

from __future__ import annotations

from xnat_core.commandline import Command
from xnat_core.folding import folded

TEXT = """\
Do it.

Usage:
  toy say [options] [<word>]... [<another>]...

What is said here is said in one
paragraph of two lines.

Options:
  -l --loud      So that everybody in the house
                 can hear it.
  --mode=<name>  Softly.

Examples:
  toy say one two three four five | toy say six
"""


def test_prose_flows_and_columns_stay() -> None:
    assert (
        folded(TEXT, 40)
        == """\
Do it.

Usage:
  toy say [options] [<word>]... [<another>]...

What is said here is said in one
paragraph of two lines.

Options:
  -l --loud      So that everybody in
                 the house can hear it.
  --mode=<name>  Softly.

Examples:
  toy say one two three four five | toy say six
"""
    )


def test_a_text_that_fits_is_left_alone() -> None:
    assert folded(TEXT, 60) is TEXT


def test_no_word_of_a_manual_is_lost() -> None:
    manual = Command("toy", listing=True, bounded=True).manual(TEXT)
    assert folded(manual, 50).split() == manual.split()
    assert max(map(len, folded(manual, 50).splitlines())) <= 50
