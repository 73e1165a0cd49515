"""A site that cannot say at the moment whether it serves guests may be one that does."""

from __future__ import annotations

import pytest

from support.logins import projects
from support.sandbox import XNAT
from xnat_core.connect import connect
from xnat_core.targets import resolve

pytestmark = pytest.mark.usefixtures("credentials")


@pytest.mark.parametrize("status", [500, 502, 503])
def test_the_list_of_a_guest_is_not_taken_for_ours(xnat: XNAT, status: int) -> None:
    xnat.has_project("P1")
    xnat.store.preferences.set("requireLogin", False)
    xnat.fails("GET", "/data/auth", status)
    with connect(resolve()) as client:
        for _ in range(2):
            assert projects(client) == ["P1"]
            xnat.expires_sessions()
        assert [row["ID"] for row in client.iter_rows("/data/projects")] == ["P1"]
