"""Workflow rows, pipelines, containers, history."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from conftest import MakeXNAT
from support.sandbox import FAST, XNAT

SESSION = "/data/projects/P1/subjects/S1/experiments/MR1"
LAUNCH = "/xapi/projects/P1/wrappers/{}/root/session/launch"
ROOT = {"session": "/archive/experiments/XNAT_E00001"}


@pytest.fixture(autouse=True)
def one_session(xnat: XNAT) -> None:
    """A project with a session."""
    xnat.has_session("P1", "S1", "MR1", scans={"1": {}})


def eventually(check: Callable[[], Any]) -> Any:
    """The first true answer of `check` within five seconds."""
    end = time.monotonic() + 5
    while not (found := check()) and time.monotonic() < end:
        time.sleep(0.01)
    return found


def test_every_write_leaves_a_row(xnat: XNAT) -> None:
    xnat.call("PUT", f"{SESSION}?xsiType=xnat:mrSessionData&note=x&event_reason=why")
    xnat.call("PUT", f"{SESSION}/resources/R/files/x.txt?inbody=true", data=b"x")
    events = xnat.call("GET", f"{SESSION}/history?format=json").json()["events"]
    shown = [(event["event_action"], event["event_reason"]) for event in events]
    assert shown == [("Uploaded File", ""), ("Modified Experiment", "why")]
    assert isinstance(events[0]["event_date"], int)
    path = f"{SESSION}/history?format=json&dateFormat=yyyy"
    assert xnat.call("GET", path).json()["events"][0]["event_date"] == time.strftime("%Y")


def test_a_write_may_join_an_event(xnat: XNAT) -> None:
    row = xnat.store.workflows.record("XNAT_E00001", "P1", "x", "Big change", user="admin")
    xnat.call("PUT", f"{SESSION}?xsiType=xnat:mrSessionData&note=x&event_id={row.number}")
    assert len(xnat.store.workflows.of_item("XNAT_E00001")) == 1


def test_rows_are_written_and_found_exactly(xnat: XNAT) -> None:
    key = {
        "wrk:workflowData/id": "XNAT_E00001",
        "wrk:workflowData/pipeline_name": "mine",
        "wrk:workflowData/launch_time": "2024-05-02 10:00:00.0",
    }
    sent = {**key, "wrk:workflowData/data_type": "xnat:mrSessionData"}
    for status in ("Running", "Complete"):
        full = {**sent, "wrk:workflowData/status": status}
        assert xnat.call("PUT", "/data/workflows", params=full).status_code == 200
    found = xnat.call("GET", "/data/workflows", params={**key, "format": "json"}).json()
    assert found["items"][0]["data_fields"]["status"] == "Complete"
    assert xnat.call("PUT", "/data/workflows", params=key).status_code == 400


def test_rows_of_a_pipeline(xnat: XNAT) -> None:
    for status in ("Failed", "Complete"):
        xnat.store.workflows.record("XNAT_E00001", "P1", "x", "My/Pipe", user="a", status=status)
    path = "/data/services/workflows/pipe?experiment=XNAT_E00001&format=json"
    assert xnat.call("GET", path).json()["items"][0]["data_fields"]["status"] == "Complete"
    everything = xnat.call("GET", f"{path}&display=ALL").json()["ResultSet"]
    assert everything["title"] == "All workflows"
    assert [row["status"] for row in everything["Result"]] == ["Failed", "Complete"]


def test_pipelines_run_to_their_end(make_xnat: MakeXNAT) -> None:
    xnat = make_xnat(replace(FAST, pipelines=True))
    xnat.has_session("P1", "S1", "MR1")
    names = [row["Name"] for row in xnat.rows("/data/projects/P1/pipelines")]
    assert names == ["DicomToNifti", "FaultyQC"]
    path = "/data/projects/P1/pipelines/DicomToNifti/experiments/XNAT_E00001?match=EXACT"
    answer = xnat.call("POST", path)
    assert (answer.status_code, answer.content) == (200, b"")
    rows = xnat.store.workflows.of_item
    assert eventually(lambda: rows("XNAT_E00001")[-1].status == "Complete")
    sent = {"Experiments": '["/archive/experiments/XNAT_E00001", "/archive/experiments/NOPE"]'}
    launched = xnat.call("POST", "/xapi/pipelines/launch/FaultyQC?project=P1", json=sent).json()
    assert (launched["successes"], launched["failures"]) == (1, 1)
    assert eventually(lambda: rows("XNAT_E00001")[-1].status == "Failed")


def test_a_site_without_pipelines_has_an_empty_list(xnat: XNAT) -> None:
    assert xnat.rows("/data/projects/P1/pipelines") == []
    bob = xnat.has_user("bob", P1="member")
    assert xnat.call("GET", "/data/projects/P1/pipelines", user=bob).status_code == 403


def test_commands_are_kept(xnat: XNAT) -> None:
    sent = {"name": "mine", "image": "x", "xnat": [{"name": "w"}]}
    added = xnat.call("POST", "/xapi/commands", json=sent)
    assert (added.status_code, added.json()) == (201, 2)
    assert xnat.call("GET", "/xapi/commands/2").json()["xnat"] == [{"id": 3, "name": "w"}]
    assert xnat.call("PUT", "/xapi/commands/2", json=sent).status_code == 405
    assert xnat.call("DELETE", "/xapi/commands/2").status_code == 204


@pytest.mark.parametrize(
    "where", ["commands/available?project=P1&", "projects/P1/commands/available?"]
)
@pytest.mark.parametrize(
    ("xsi_type", "names"),
    [
        ("xnat:mrSessionData", ["demo-session", "demo-failing", "mr"]),
        ("xnat:imageSessionData", ["demo-session", "demo-failing"]),
        ("xnat:mrScanData", []),
    ],
)
def test_what_is_available_depends_on_the_type(
    xnat: XNAT, where: str, xsi_type: str, names: list[str]
) -> None:
    wrappers = [{"name": "mr", "contexts": ["xnat:mrSessionData"]}, {"name": "none"}]
    xnat.call("POST", "/xapi/commands", json={"name": "c", "image": "x", "xnat": wrappers})
    found = xnat.call("GET", f"/xapi/{where}xsiType={xsi_type}").json()
    assert [one["wrapper-name"] for one in found] == names


def test_what_is_available_is_not_told_without_a_type_or_for_none(xnat: XNAT) -> None:
    for where in ("commands/available?project=P1", "projects/P1/commands/available"):
        assert xnat.call("GET", f"/xapi/{where}").status_code == 400
    where = "/xapi/projects/P1/commands/available?xsiType=x:nope"
    assert xnat.call("GET", where).status_code == 400


@pytest.mark.parametrize(("wrapper", "end"), [(1, "Complete"), (2, "Failed")])
def test_a_container_goes_its_way(xnat: XNAT, wrapper: int, end: str) -> None:
    launched = xnat.call("POST", LAUNCH.format(wrapper), json=ROOT).json()
    assert (launched["status"], launched["workflow-id"]) == ("success", "To be assigned")
    (container,) = xnat.call("GET", "/xapi/projects/P1/containers").json()
    path = f"/xapi/containers/{container['id']}"
    assert eventually(lambda: xnat.call("GET", path).json()["status"] == end)
    states = [entry["status"] for entry in xnat.call("GET", path).json()["history"]]
    assert states == ["Created", "Running", "Finalizing", end]
    assert xnat.call("GET", f"{path}/logs/stdout").text.startswith("started\n")
    assert xnat.store.workflows.of_item("XNAT_E00001")[-1].status == end


def test_a_launch_of_nothing_succeeds(xnat: XNAT) -> None:
    launched = xnat.call("POST", LAUNCH.format(99), json=ROOT).json()
    assert launched["status"] == "success"
    assert xnat.call("GET", "/xapi/containers").json() == []


def test_containers_are_killed_and_forgotten(make_xnat: MakeXNAT) -> None:
    xnat = make_xnat(replace(FAST, container_seconds=60))
    xnat.has_session("P1", "S1", "MR1")
    bob = xnat.has_user("bob", P1="member")
    xnat.call("POST", LAUNCH.format(1), json=ROOT)
    assert xnat.call("GET", "/xapi/containers", user=bob).json() == []
    assert xnat.call("DELETE", "/xapi/containers/1", user=bob).status_code == 401
    assert xnat.call("GET", "/xapi/containers/1/kill").status_code == 405
    assert xnat.call("POST", "/xapi/containers/1/kill").status_code == 200
    assert xnat.call("GET", "/xapi/containers/1").json()["status"] == "Killed"
    assert xnat.store.workflows.of_item("XNAT_E00001")[-1].status == "Killed"
    assert xnat.call("DELETE", "/xapi/containers/1").status_code == 204
    assert xnat.call("GET", "/xapi/containers/1").text == "No container with ID 1"


def test_bulk_launches_take_a_list_in_a_string(xnat: XNAT) -> None:
    sent = {"session": f'["{ROOT["session"]}", "{ROOT["session"]}"]'}
    answer = xnat.call("POST", LAUNCH.format(1).replace("/launch", "/bulklaunch"), json=sent).json()
    assert (len(answer["successes"]), answer["failures"]) == (2, [])


def test_a_server_may_lack_the_plugin(make_xnat: MakeXNAT) -> None:
    xnat = make_xnat(replace(FAST, containers=False))
    assert xnat.call("GET", "/xapi/plugins").json() == {}
    assert xnat.call("GET", "/xapi/commands").status_code == 404


def test_searches_find_workflow_rows(xnat: XNAT) -> None:
    xnat.store.workflows.record("XNAT_E00001", "P1", "x", "Renamed", user="alice")
    document = b"""<xdat:bundle xmlns:xdat="http://nrg.wustl.edu/security">
    <xdat:root_element_name>wrk:workflowData</xdat:root_element_name>
    <xdat:search_where method="AND"><xdat:criteria>
    <xdat:schema_field>wrk:workflowData/CREATE_USER</xdat:schema_field>
    <xdat:comparison_type>=</xdat:comparison_type><xdat:value>alice</xdat:value>
    </xdat:criteria></xdat:search_where></xdat:bundle>"""
    found = xnat.call("POST", "/data/search?format=json", data=document).json()["ResultSet"]
    assert [row["pipeline_name"] for row in found["Result"]] == ["Renamed"]
