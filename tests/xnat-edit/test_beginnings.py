"""Names that begin alike: the same as by looking at all of them, without doing that."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from xnat_edit.beginnings import Names

WORDS = st.text("ab*/%", min_size=1, max_size=5)


class Counted(str):
    """A name that counts how often names are looked at."""

    looks = 0

    def startswith(self, *words: object) -> bool:
        """Count, and tell."""
        Counted.looks += 1
        return str(self).startswith(*words)  # type: ignore[arg-type]


@given(st.lists(WORDS), st.lists(WORDS), WORDS)
def test_the_same_as_by_looking_at_each(names: list[str], more: list[str], text: str) -> None:
    kept = Names(names)
    for name in more:
        kept.add(name)
    for name in set(names) - set(more):
        kept.remove(name)
    assert list(kept) == sorted(set(more))
    assert list(kept.beginning_with(text)) == sorted(n for n in {*more} if n.startswith(text))
    assert [name in kept for name in names] == [name in more for name in names]


def test_each_of_many_is_compared_with_its_neighbour_only() -> None:
    count = 2000
    Counted.looks = 0
    names = Names(Counted(f"{n:05}.dcm") for n in range(count))
    for name in reversed(list(names)):
        assert list(names.beginning_with(name)) == [name]
        names.remove(name)
    assert Counted.looks <= 2 * count
