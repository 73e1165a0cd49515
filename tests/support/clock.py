"""A clock that runs out when a server is asked for something."""

from __future__ import annotations

import math
import time
from types import SimpleNamespace

import pytest
from werkzeug.wrappers import Request, Response

from support.sandbox import XNAT


def time_is_over_at(
    monkeypatch: pytest.MonkeyPatch, xnat: XNAT, method: str, text: str, nth: int = 1
) -> None:
    """For `--max-duration`, when the nth request of this method with this in its path comes."""
    left = [nth]
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() if left[0] > 0 else math.inf)
    monkeypatch.setattr("xnat_core.bounds.time", clock)

    def hook(request: Request) -> Response | None:
        left[0] -= request.method == method and text in request.full_path
        return None

    xnat.before(hook)
