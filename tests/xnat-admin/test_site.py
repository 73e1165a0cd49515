"""What the server is, how it is configured, what projects do with data that arrives."""

from __future__ import annotations

import pytest

from support.answers import Run
from support.pretending import pretends
from support.sandbox import XNAT
from xnat_admin.service import AdminService
from xnat_admin.site import like
from xnat_core.client import XNATClient


@pytest.mark.parametrize("verb", ["info", "version"])
def test_the_server_tells_its_version_without_a_login(
    xnat: XNAT, admin: Run, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setenv("XNAT_PASS", "wrong")
    answer = admin(verb)
    assert answer.status == 0
    (record,) = answer.records
    assert record.pop("latency_ms") > 0
    assert record == {
        "kind": "server",
        "url": xnat.url,
        "status": "ok",
        "version": "1.8.10",
        "build_number": "1042",
        "build_date": "Thu Feb 22 11:02:31 CST 2024",
        "revision": "5d8f1c2",
    }
    assert admin(verb, "--quiet").out == "1.8.10\n"


def test_a_server_that_is_not_there_is_explained(admin: Run) -> None:
    answer = admin("info", "--url", "http://127.0.0.1:1")
    assert answer.status == 4
    assert "http://127.0.0.1:1: " in answer.err


def test_settings_are_read(admin: Run, xnat: XNAT) -> None:
    answer = admin("site-config", "get", "requireLogin", "sessionTimeout", "noSuchKey")
    assert answer.values("id", "value") == [
        ("requireLogin", True),
        ("sessionTimeout", "15 minutes"),
        ("noSuchKey", None),
    ]
    assert answer.status == 5
    everything = admin("site-config", "get", "--filter", "id:session*")
    assert "sessionTimeout" in everything.values("id")
    assert {record["kind"] for record in everything.records} == {"setting"}


def test_a_setting_is_changed_by_post_and_keeps_its_type(admin: Run, xnat: XNAT) -> None:
    words = ("site-config", "set", "requireLogin", "false")
    assert admin(*words, "--dry-run").values("outcome") == ["planned"]
    assert xnat.requests("POST", "/xapi") == []
    answer = admin(*words)
    assert answer.values("id", "value", "was", "outcome") == [("requireLogin", False, True, "done")]
    assert xnat.store.preferences.get("requireLogin") is False
    assert [r.method for r in xnat.requests(path="/xapi/siteConfig") if r.method != "GET"] == [
        "POST"
    ]
    assert admin(*words).values("outcome") == ["skipped"]


def test_a_text_that_looks_like_a_number_stays_a_text(admin: Run, xnat: XNAT) -> None:
    assert admin("site-config", "set", "siteId", "123").status == 0
    assert xnat.store.preferences.get("siteId") == "123"


def test_a_whole_number_is_a_value_of_a_number_with_decimals() -> None:
    assert (like("ratio", 0.5, "1"), like("ratio", 0.5, "1.5")) == (1.0, 1.5)


@pytest.mark.parametrize(
    ("key", "value", "status"),
    [("requireLogin", "no", 2), ("requireLogin", "1", 2), ("noSuchKey", "x", 5)],
)
def test_a_wrong_key_or_type_is_refused(
    admin: Run, xnat: XNAT, key: str, value: str, status: int
) -> None:
    for more in ([], ["--dry-run"]):
        assert admin("site-config", "set", key, value, *more).status == status
    assert xnat.requests("POST", "/xapi") == []


def test_a_setting_that_was_not_stored_is_a_failure(admin: Run, xnat: XNAT) -> None:
    xnat.before(pretends("POST", "/xapi/siteConfig"))
    answer = admin("site-config", "set", "requireLogin", "false")
    assert answer.status == 1
    assert "requireLogin is True, not False" in answer.err


def test_nobody_else_may_configure(admin: Run, xnat: XNAT, monkeypatch: pytest.MonkeyPatch) -> None:
    login, password = xnat.has_user("bob")
    monkeypatch.setenv("XNAT_USER", login)
    monkeypatch.setenv("XNAT_PASS", password)
    assert admin("site-config", "set", "requireLogin", "false").status == 6


def test_the_prearchive_setting_is_told_and_changed(admin: Run, xnat: XNAT) -> None:
    xnat.has_project("P1", code=0)
    assert admin("prearchive-setting", "P1").values(
        "id", "prearchive_code", "prearchive_setting", "outcome"
    ) == [("P1", 0, "manual", None)]
    words = ("prearchive-setting", "P1", "--set", "auto-archive-overwrite")
    assert admin(*words, "--dry-run").values("prearchive_code", "outcome") == [(5, "planned")]
    assert admin(*words).values("prearchive_code", "outcome") == [(5, "done")]
    project = xnat.store.items.project("P1")
    assert project is not None
    assert project.prearchive_code == 5
    assert admin(*words).values("outcome") == ["skipped"]


def test_only_settings_that_mean_something_are_sent(admin: Run, xnat: XNAT) -> None:
    xnat.has_project("P1", code=9)
    assert admin("prearchive-setting", "P1").values("prearchive_setting") == ["unknown"]
    for value in ("3", "9", "automatic", ""):
        assert admin("prearchive-setting", "P1", "--set", value).status == 2
    assert xnat.requests("PUT") == []


def test_project_records_are_set(admin: Run, xnat: XNAT) -> None:
    records = [{"kind": "project", "id": xnat.has_project(id).id} for id in ("P1", "P2")]
    answer = admin("prearchive-setting", "--set", "auto-archive", records=records)
    assert answer.values("id", "prearchive_code", "outcome") == [
        ("P1", 4, "done"),
        ("P2", 4, "done"),
    ]


def test_a_setting_of_a_project_that_was_not_stored_is_a_failure(admin: Run, xnat: XNAT) -> None:
    xnat.has_project("P1")
    xnat.before(pretends("PUT"))
    assert admin("prearchive-setting", "P1", "--set", "auto-archive").status == 1


# Catalogs


def test_every_session_of_a_project_is_refreshed_by_the_catalog_service(
    admin: Run, xnat: XNAT
) -> None:
    sessions = [xnat.has_session("P1", "S1", f"MR{number}") for number in (1, 2)]
    answer = admin("refresh-catalogs", "P1", "-O", "checksum", "--option", "populateStats")
    assert sorted(answer.values("label", "outcome")) == [("MR1", "done"), ("MR2", "done")]
    sent = xnat.requests("POST", "/data/services/refresh/catalog")
    assert sorted(request.args["resource"] for request in sent) == [
        f"/archive/experiments/{session.id}" for session in sessions
    ]
    assert {request.args["options"] for request in sent} == {"checksum,populateStats"}
    assert not any("pullDataFromHeaders" in request.url for request in xnat.requests())


def test_a_missing_digest_is_there_afterwards(admin: Run, xnat: XNAT) -> None:
    xnat.store.preferences.set("checksums", False)
    session = xnat.has_session("P1", "S1", "MR1", resources={"NOTES": {"a.txt": b"a"}})
    resource = xnat.has_resource(session, "NOTES")
    xnat.store.database.execute("UPDATE file SET digest=''")
    admin("refresh-catalogs", "P1", "-O", "checksum")
    assert [entry.digest for entry in xnat.store.resources.files(resource)] == [
        "0cc175b9c0f1b6a831c399e269772661"
    ]


def test_some_sessions_are_refreshed(admin: Run, xnat: XNAT) -> None:
    for number in (1, 2, 3):
        xnat.has_session("P1", "S1", f"MR{number}")
    answer = admin("refresh-catalogs", "P1", "-e", "MR1", "-e", "MR9")
    assert sorted(answer.values("label", "outcome")) == [("MR1", "done"), ("MR9", "failed")]
    assert answer.status == 5
    assert len(admin("refresh-catalogs", "P1", "--limit", "2", "--dry-run").records) == 2
    assert admin("refresh-catalogs", "P1", "--limit", "0").records == []
    records = [{"kind": "session", "label": "MR2", "project": "P1"}]
    assert admin("refresh-catalogs", records=records).values("label", "outcome") == [
        ("MR2", "done")
    ]


def test_a_page_instead_of_an_empty_answer_is_a_failure(admin: Run, xnat: XNAT) -> None:
    xnat.has_session("P1", "S1", "MR1")
    page = "<html><title>Please wait</title></html>"
    xnat.fails("POST", "/data/services/refresh/catalog", 200, body=page)
    answer = admin("refresh-catalogs", "P1")
    assert (answer.status, answer.records[0]["outcome"]) == (1, "failed")


def test_an_unknown_option_or_project_is_refused(admin: Run, xnat: XNAT) -> None:
    xnat.has_session("P1", "S1", "MR1")
    assert admin("refresh-catalogs", "P1", "-O", "everything").status == 2
    assert admin("refresh-catalogs", "NOPE").status == 5
    assert admin("refresh-catalogs", "-e", "MR1").status == 2
    assert xnat.requests("POST", "/data/services") == []


def test_who_may_not_change_a_session_may_not_refresh_it(admin: Run, xnat: XNAT) -> None:
    xnat.has_session("P1", "S1", "MR1", resources={"NOTES": {"a.txt": b"a"}})
    login, password = xnat.has_user("bob", P1="collaborator")
    with XNATClient(xnat.url, login, password) as client:
        result = AdminService(client).refresh_catalogs("P1")
    assert (result["refreshed"], result["failed"], result["total"]) == ([], ["MR1"], 1)
    assert "no permission" in result["errors"][0]


def test_a_refresh_that_a_proxy_does_not_wait_for_is_asked_for_once(admin: Run, xnat: XNAT) -> None:
    xnat.has_session("P1", "S1", "MR1")
    xnat.loses("POST", "/data/services/refresh/catalog", 504, times=9)
    answer = admin("refresh-catalogs", "P1")
    assert (answer.status, answer.records[0]["outcome"]) == (1, "failed")
    assert "the server may still be at it" in answer.err
    assert len(xnat.requests("POST", "/data/services/refresh/catalog")) == 1
