"""Version, configuration, tools, catalog refresh."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conftest import MakeXNAT
from support.sandbox import FAST, XNAT

RESOURCE = "/archive/experiments/XNAT_E00001/resources/R"


def test_the_version_is_open_to_all(make_xnat: MakeXNAT) -> None:
    xnat = make_xnat(replace(FAST, version="1.9.2.1"))
    assert xnat.call("GET", "/xapi/siteConfig/buildInfo", user=None).json()["version"] == "1.9.2.1"
    assert xnat.call("GET", "/xapi/siteConfig/buildInfo/version", user=None).text == "1.9.2.1"
    assert xnat.call("GET", "/xapi/siteConfig/siteId", user=None).text == "XNAT"


def test_preferences_are_set_by_post(xnat: XNAT) -> None:
    path = "/xapi/siteConfig/requireLogin"
    assert xnat.call("PUT", path, data=b"false").status_code == 405
    assert xnat.call("POST", path, data=b"false").status_code == 200
    assert xnat.call("GET", path).json() is False
    assert xnat.call("GET", "/data/projects", user=None).status_code == 200
    values = xnat.call("GET", "/xapi/siteConfig/values/checksums,siteId").json()
    assert values == {"checksums": True, "siteId": "XNAT"}


def test_users_read_a_part_of_the_configuration(xnat: XNAT) -> None:
    bob = xnat.has_user("bob")
    assert "archivePath" not in xnat.call("GET", "/xapi/siteConfig", user=bob).json()
    assert xnat.call("GET", "/xapi/siteConfig/archivePath", user=bob).status_code == 403


def test_projects_may_be_for_administrators_only(xnat: XNAT) -> None:
    bob = xnat.has_user("bob")
    assert xnat.call("PUT", "/data/projects/P1", user=bob).status_code == 200
    xnat.store.preferences.set("uiAllowNonAdminProjectCreation", False)
    assert xnat.call("PUT", "/data/projects/P2", user=bob).status_code == 403


def test_tool_configurations_have_versions(xnat: XNAT) -> None:
    xnat.has_project("P1")
    path = "/data/projects/P1/config/dicom/projectRules"
    for text in (b"one", b"two"):
        assert xnat.call("PUT", f"{path}?inbody=true", data=text).status_code in (200, 201)
    assert xnat.call("GET", f"{path}?contents=true").text == "two"
    assert xnat.call("GET", f"{path}?contents=true&version=1").text == "one"
    assert xnat.rows(f"{path}?meta=true")[0]["status"] == "enabled"
    assert xnat.call("GET", "/data/config/nope/x").status_code == 404


def test_anonymisation_scripts(xnat: XNAT) -> None:
    xnat.has_project("P1")
    path = "/xapi/anonymize/projects/P1"
    assert xnat.call("PUT", path, data=b"script").status_code == 200
    assert xnat.call("GET", path).text == "script"
    assert xnat.call("PUT", f"{path}/enabled?enable=false").status_code == 415
    assert xnat.call("PUT", f"{path}/enabled?enable=false", json={}).status_code == 200
    assert xnat.call("GET", path).status_code == 204


@pytest.fixture
def strange(xnat: XNAT) -> None:
    """A resource whose catalog and disk disagree: one file more, one fewer, one without digest."""
    session = xnat.has_session("P1", "S1", "MR1", resources={"R": {"gone.txt": b"1"}})
    xnat.store.preferences.set("checksums", False)
    path = f"/data{RESOURCE.removeprefix('/archive')}/files/kept.txt?inbody=true"
    xnat.call("PUT", path, data=b"22")
    xnat.store.preferences.set("checksums", True)
    directory = xnat.store.session_directory(session) / "RESOURCES/R"
    (directory / "gone.txt").unlink()
    (directory / "new.txt").write_bytes(b"333")


@pytest.mark.parametrize(
    ("query", "names", "digests", "count"),
    [
        ("", ["kept.txt", "new.txt"], [True, True], "2"),
        ("&options=append", ["gone.txt", "kept.txt", "new.txt"], [True, False, False], "2"),
        ("&options=delete,populateStats", ["kept.txt"], [False], "1"),
        ("&checksum=true", ["gone.txt", "kept.txt"], [True, True], "2"),
    ],
)
@pytest.mark.usefixtures("strange")
def test_a_refresh_does_what_it_is_told(
    xnat: XNAT, query: str, names: list[str], digests: list[bool], count: str
) -> None:
    answer = xnat.call("POST", f"/data/services/refresh/catalog?resource={RESOURCE}{query}")
    assert (answer.status_code, answer.content) == (200, b"")
    rows = xnat.rows("/data/experiments/XNAT_E00001/resources/R/files")
    assert [row["Name"] for row in rows] == names
    assert [bool(row["digest"]) for row in rows] == digests
    assert xnat.rows("/data/experiments/XNAT_E00001/resources")[0]["file_count"] == count


@pytest.mark.usefixtures("strange")
def test_refreshing_a_project_leaves_its_sessions_alone(xnat: XNAT) -> None:
    before, after = ["gone.txt", "kept.txt"], ["kept.txt", "new.txt"]
    for uri, names in (
        ("/archive/projects/P1", before),
        ("/archive/experiments/XNAT_E00001", after),
    ):
        answer = xnat.call("PUT", "/xapi/archive/catalogs/refresh", json=[uri])
        assert answer.status_code == 200
        rows = xnat.rows("/data/experiments/XNAT_E00001/resources/R/files")
        assert [row["Name"] for row in rows] == names


@pytest.mark.usefixtures("strange")
def test_a_refresh_needs_edit_rights(xnat: XNAT) -> None:
    bob = xnat.has_user("bob", P1="collaborator")
    path = f"/data/services/refresh/catalog?resource={RESOURCE}"
    assert xnat.call("POST", path, user=bob).status_code == 403
