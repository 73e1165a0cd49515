"""Acting on many sessions of the prearchive at once."""

from __future__ import annotations

import pytest

from support.imports import post, rows, send_zip, statuses, uris, wait_until
from support.sandbox import XNAT

pytestmark = pytest.mark.usefixtures("builds_nothing")


@pytest.mark.parametrize(
    ("service", "busy"),
    [("delete", "QUEUED_DELETING"), ("rebuild", "QUEUED_BUILDING"), ("move", "QUEUED_MOVING")],
)
def test_batch_services_answer_the_table_before_the_work_is_done(
    xnat: XNAT, staged: str, service: str, busy: str
) -> None:
    xnat.settings.queue_delay = 0.3
    response = post(
        xnat,
        f"/data/services/prearchive/{service}?format=json",
        data={"src": staged, "newProject": "P2", "async": "false"},
    )
    assert [row["status"] for row in response.json()["ResultSet"]["Result"]] == [busy]
    wait_until(lambda: busy not in statuses(xnat) and not any("_" in s for s in statuses(xnat)))
    after = [(row["project"], row["status"]) for row in rows(xnat)]
    assert after == {"delete": [], "rebuild": [("P1", "READY")], "move": [("P2", "READY")]}[service]


def test_batch_services_answer_xml_by_default(xnat: XNAT, staged: str) -> None:
    response = post(xnat, "/data/services/prearchive/rebuild", data={"src": staged})
    assert response.headers["Content-Type"].startswith("text/xml")
    wait_until(lambda: statuses(xnat) == ["READY"])


def test_rebuild_does_not_archive(xnat: XNAT, series: dict[str, bytes]) -> None:
    xnat.has_project("P4", code=4)
    (uri,) = uris(send_zip(xnat, series, project="P4"))
    post(xnat, "/data/services/prearchive/rebuild", data={"src": uri})
    wait_until(lambda: statuses(xnat) == ["READY"])


@pytest.mark.parametrize(("service", "status"), [("delete", 500), ("move", 404), ("rebuild", 500)])
def test_batch_services_on_a_missing_session_fail_each_in_its_way(
    xnat: XNAT, service: str, status: int
) -> None:
    data = {"src": "/prearchive/projects/P1/20200101_000000000/X", "newProject": "P2"}
    assert post(xnat, f"/data/services/prearchive/{service}", data=data).status_code == status


def test_a_malformed_source_is_500_and_none_an_empty_table(xnat: XNAT) -> None:
    path = "/data/services/prearchive/delete?format=json"
    assert post(xnat, path, data={"src": "/prearchive/P1"}).status_code == 500
    assert post(xnat, path).json() == {"ResultSet": {"Result": []}}


def test_batch_services_need_rights(xnat: XNAT, staged: str) -> None:
    eve = xnat.has_user("eve", P1="collaborator")
    response = post(xnat, "/data/services/prearchive/delete", data={"src": staged}, auth=eve)
    assert response.status_code == 403


def test_a_lock_can_be_overridden(xnat: XNAT, staged: str) -> None:
    xnat.store.database.execute("UPDATE prearchive SET status='_ARCHIVING'")
    path = "/data/services/prearchive/delete"
    assert post(xnat, path, data={"src": staged}).status_code == 409
    assert post(xnat, path, data={"src": staged, "overrideLock": "true"}).status_code == 200
    wait_until(lambda: not rows(xnat))
