"""Two servers and the command that transfers between them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from support.sandbox import XNAT
from support.transfers import Transfer


@pytest.fixture
def transfer(make_xnat: Callable[[], XNAT], capfd: pytest.CaptureFixture[str]) -> Transfer:
    """`xnat-transfer` from project A of one server to project B of another, both empty."""
    return Transfer(make_xnat(), make_xnat(), capfd)
