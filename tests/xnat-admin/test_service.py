"""The service as the library documents it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone

import pytest

from support.sandbox import XNAT
from xnat_admin.service import AdminService
from xnat_core.client import XNATClient
from xnat_core.errors import (
    InvalidIdentifierError,
    ResourceNotFoundError,
    ValidationError,
    XNATCtlError,
)


@pytest.fixture
def service(xnat: XNAT) -> Iterator[AdminService]:
    with XNATClient(xnat.url, *xnat.admin) as client:
        yield AdminService(client)


def test_catalogs(xnat: XNAT, service: AdminService) -> None:
    for number in (1, 2):
        xnat.has_session("P1", "S1", f"MR{number}")
    seen: list[tuple[int, int]] = []
    result = service.refresh_catalogs(
        "P1",
        experiments=["MR1", "MR9"],
        options=["checksum"],
        progress_callback=lambda count, total: seen.append((count, total)),
    )
    assert result == {
        "refreshed": ["MR1"],
        "failed": ["MR9"],
        "errors": ["MR9: session 'P1/MR9' not found"],
        "total": 2,
    }
    assert seen == [(1, 2), (2, 2)]
    assert service.refresh_catalogs("P1", limit=1, parallel=False)["total"] == 1


def test_groups(xnat: XNAT, service: AdminService) -> None:
    xnat.has_user("alice")
    for project in ("P1", "A_B"):
        xnat.has_project(project)
    assert service.add_user_to_groups("alice", [], projects=["P1", "A_B"], role="owner") == {
        "added": ["P1_owner", "A_B_owner"],
        "failed": [],
        "errors": [],
    }
    assert service.add_user_to_groups("alice", ["NOPE_member"]) == {
        "added": [],
        "failed": ["NOPE_member"],
        "errors": ["NOPE_member: project 'NOPE' not found"],
    }
    assert service.remove_user_from_groups("alice", ["P1_owner"], projects=["A_B"]) == {
        "removed": ["P1_owner", "A_B_owner"],
        "failed": [],
        "errors": [],
    }
    with pytest.raises(ResourceNotFoundError):
        service.add_user_to_groups("nobody", ["P1_member"])
    with pytest.raises(ValidationError):
        service.add_user_to_groups("alice", [])


def test_one_name_is_not_taken_for_a_list_of_letters(xnat: XNAT, service: AdminService) -> None:
    xnat.has_user("alice")
    xnat.has_session("P1", "S1", "MR1")
    for project in ("P", "1", "Q"):
        xnat.has_project(project)
    both = ["Q_owner", "P1_member"]
    assert service.add_user_to_groups("alice", "Q_owner", "P1")["added"] == both
    assert service.remove_user_from_groups("alice", "Q_owner", "P1")["removed"] == both
    assert service.refresh_catalogs("P1", "MR1", "checksum")["refreshed"] == ["MR1"]


def test_no_project_is_not_every_project(xnat: XNAT, service: AdminService) -> None:
    xnat.has_session("P1", "S1", "MR1")
    for ask in (service.refresh_catalogs, service.list_users, service.audit_log):
        with pytest.raises(InvalidIdentifierError):
            ask("")
    with pytest.raises(InvalidIdentifierError):
        service.refresh_catalogs(None)  # type: ignore[arg-type]
    assert not xnat.requests("POST", "/data/services/refresh/catalog")


def test_users(xnat: XNAT, service: AdminService) -> None:
    xnat.has_project("P1")
    xnat.has_user("alice", P1="member")
    assert "alice" in [user["username"] for user in service.list_users()]
    assert [user["groups"] for user in service.list_users("P1")] == [("P1_member",)]
    assert service.get_user("alice")["email"] == "alice@example.org"


def test_the_audit_by_both_its_names(xnat: XNAT, service: AdminService) -> None:
    xnat.has_project("P1")
    service.client.put("/data/projects/P1/subjects/S1")
    for found in (
        service.audit_log(project="P1", username="admin", since="1d"),
        service.audit_logs(project="P1", limit=1),
    ):
        assert [(row["user"], row["action"], row["project"]) for row in found] == [
            ("admin", "Added Subject", "P1")
        ]


def test_the_site(service: AdminService) -> None:
    assert service.get_server_info()["version"] == "1.8.10"
    assert service.get_site_config("requireLogin") is True
    assert service.set_site_config("requireLogin", False)
    assert service.get_site_config()["requireLogin"] is False


def test_what_cannot_be_meant_is_told_before_anything_is_done(
    xnat: XNAT, service: AdminService
) -> None:
    xnat.has_session("P1", "S1", "MR1")
    asks: list[Callable[[], object]] = [
        lambda: service.refresh_catalogs("P1", ["MR1", 3]),  # type: ignore[list-item]
        lambda: service.refresh_catalogs("P1", options=[3]),  # type: ignore[list-item]
        lambda: service.refresh_catalogs("P1", limit=-1),
        lambda: service.refresh_catalogs("P1", workers=0),
        lambda: service.refresh_catalogs("P1", progress_callback=True),  # type: ignore[arg-type]
        lambda: service.add_user_to_groups("admin", None),  # type: ignore[arg-type]
        lambda: service.audit_log("P1", since=7),  # type: ignore[arg-type]
        lambda: service.audit_log("P1", action=3),  # type: ignore[arg-type]
        lambda: service.audit_log("P1", limit="3"),  # type: ignore[arg-type]
        lambda: service.get_site_config(3),  # type: ignore[arg-type]
    ]
    for ask in asks:
        with pytest.raises(XNATCtlError):
            ask()
    # Not with the whole configuration in its text.
    with pytest.raises(XNATCtlError, match=r"^key must be text, not None$"):
        service.set_site_config(None, "x")  # type: ignore[arg-type]
    assert not [r for r in xnat.requests("POST") if "JSESSION" not in r.path]


def test_a_session_named_twice_is_refreshed_once(xnat: XNAT, service: AdminService) -> None:
    xnat.has_session("P1", "S1", "MR1")
    assert service.refresh_catalogs("P1", ["MR1", "MR1"])["refreshed"] == ["MR1"]


def test_the_audit_since_a_date(xnat: XNAT, service: AdminService) -> None:
    xnat.has_project("P1")
    service.client.put("/data/projects/P1/subjects/S1")
    today = datetime.now(timezone.utc)
    assert service.audit_log("P1", since=today.date() - timedelta(days=1))
    assert service.audit_log("P1", since=today - timedelta(hours=1))
    assert not service.audit_log("P1", since=today + timedelta(hours=1))
