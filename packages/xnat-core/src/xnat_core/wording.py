"""Numbers in sentences for people."""

from __future__ import annotations


def counted(number: int, one: str, several: str | None = None) -> str:
    """`1 file`, `2 files`: the number and what there is of it, with the verb where it follows.

    `several` is what stands behind any other number than 1; without it, `one` with an s.
    """
    return f"{number} {one if number == 1 else several or one + 's'}"
