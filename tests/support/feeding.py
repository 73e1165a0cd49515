"""Lines on standard input."""

from __future__ import annotations

import io
import json

import pytest


def feed(monkeypatch: pytest.MonkeyPatch, *lines: object) -> None:
    """Put lines on standard input: text as it is, anything else as a record."""
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
