"""Two servers and the command that transfers between them."""

from __future__ import annotations

import pytest

from support.transfers import Transfer


@pytest.fixture
def transfer(make_xnat, capfd: pytest.CaptureFixture[str]) -> Transfer:  # type: ignore[no-untyped-def]
    """`xnat-transfer` from project A of one server to project B of another, both empty."""
    return Transfer(make_xnat(), make_xnat(), capfd)
