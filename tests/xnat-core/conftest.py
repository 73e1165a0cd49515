"""A client of the sandbox, as its administrator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.sandbox import XNAT
from xnat_core.client import XNATClient


@pytest.fixture
def client(xnat: XNAT) -> Iterator[XNATClient]:
    """Logged in at the first request; tries everything once, so that failures are quick."""
    with XNATClient(xnat.url, *xnat.admin, max_retries=0) as client:
        yield client
