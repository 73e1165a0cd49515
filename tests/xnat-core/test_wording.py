"""Numbers in sentences for people."""

import pytest

from xnat_core.wording import counted


@pytest.mark.parametrize(
    ("number", "shown"), [(0, "0 files"), (1, "1 file"), (2, "2 files"), (12, "12 files")]
)
def test_what_there_is_goes_with_its_number(number: int, shown: str) -> None:
    assert counted(number, "file") == shown


@pytest.mark.parametrize(("number", "shown"), [(1, "1 copy is"), (3, "3 copies are")])
def test_a_verb_and_another_plural_are_given(number: int, shown: str) -> None:
    assert counted(number, "copy is", "copies are") == shown
