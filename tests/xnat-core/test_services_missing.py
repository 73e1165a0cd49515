"""Looking for what is not there: the project is not listed whole for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.errors import ResourceNotFoundError
from xnat_core.services.lookup import find_session, find_subject

LISTINGS = ("/data/projects/P1/subjects", "/data/projects/P1/experiments")


@pytest.fixture
def client(xnat: XNAT) -> Iterator[XNATClient]:
    """A client of a server with many sessions, one of which has a label that no path finds."""
    for number in range(30):
        xnat.has_session("P1", f"S{number}", f"MR{number}")
    xnat.has_session("P1", "S 1", "MR 1")
    with XNATClient(xnat.url, *xnat.admin) as client:
        yield client


@pytest.mark.parametrize("find", [find_subject, find_session])
def test_a_plain_label_is_asked_for_alone(
    xnat: XNAT, client: XNATClient, find: Callable[..., object]
) -> None:
    rows: list[int] = []
    xnat.app.after(
        lambda request, response: (
            rows.append(response.get_data().count(b'"label"')) if request.path in LISTINGS else None
        )
    )
    for number in range(5):
        with pytest.raises(ResourceNotFoundError):
            find(client, f"new{number}", "P1")
    assert rows == [0] * 5


@pytest.mark.parametrize(
    ("find", "label"), [(find_subject, "S 1"), (find_session, "MR 1")], ids=["subject", "session"]
)
def test_a_label_that_no_path_finds_is_found_in_the_listing(
    client: XNATClient, find: Callable[..., object], label: str
) -> None:
    assert getattr(find(client, label, "P1"), "label", None) == label
