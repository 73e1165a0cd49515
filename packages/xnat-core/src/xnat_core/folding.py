"""Usage texts on a terminal that is narrower than they are."""

from __future__ import annotations

import re
import textwrap

# An option or a command, and the column where what it does begins.
_ENTRY = re.compile(r" {2}(?! )\S.*? {2,}(?=\S)")


def folded(text: str, width: int) -> str:
    """The text in lines of at most `width` columns: prose flows, columns stay.

    What else is indented is left alone: a command is copied from its example.
    """
    if all(len(line) <= width for line in text.splitlines()):
        return text
    lines: list[str] = []
    for line, hang in _whole_lines(text):
        if hang is None:
            lines.append(line)
            continue
        indent = " " * min(hang, width // 2)
        lines += textwrap.wrap(
            line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        ) or [""]
    return "\n".join(lines) + "\n"


def _whole_lines(text: str) -> list[tuple[str, int | None]]:
    """Paragraphs and entries as one line each, and how far their further lines are indented.

    That is None for lines that are kept as they are.
    """
    whole: list[tuple[str, int | None]] = []
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        before, hang = whole[-1] if whole else ("", 0)
        entry = _ENTRY.match(line)
        if before and line and indent == hang and not entry:
            whole[-1] = (f"{before} {line.strip()}", hang)
        else:
            whole.append((line, entry.end() if entry else None if indent else 0))
    return whole
