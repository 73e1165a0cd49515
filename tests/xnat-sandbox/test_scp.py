"""The C-STORE receiver and its configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.sop_class import MRImageStorage, Verification  # type: ignore[attr-defined]

from support.imports import rows, wait_until
from support.sandbox import FAST, XNAT
from xnat_sandbox import samples
from xnat_sandbox.scp_routes import scp_ports

MakeXNAT = Callable[..., XNAT]


@pytest.fixture
def xnat(make_xnat: MakeXNAT) -> XNAT:
    """A server with a C-STORE receiver on a free port, that builds nothing by itself."""
    server = make_xnat(replace(FAST, rebuild_idle=600, scp_port=0))
    server.has_project("P1")
    return server


@contextmanager
def association(
    xnat: XNAT, called: str = "XNAT", calling: str = "MODALITY"
) -> Iterator[Association]:
    entity = AE(calling)
    entity.add_requested_context(Verification)
    entity.add_requested_context(MRImageStorage)
    (port,) = scp_ports(xnat.app)
    link = entity.associate("127.0.0.1", port, ae_title=called)
    try:
        yield link
    finally:
        if link.is_established:
            link.release()


def store(xnat: XNAT, dataset: Dataset) -> int:
    with association(xnat) as link:
        return int(link.send_c_store(dataset).Status)


def configure(xnat: XNAT, **changes: Any) -> dict[str, Any]:
    url = xnat.url + "/xapi/dicomscp"
    (known,) = requests.get(url, auth=xnat.admin, timeout=9).json()
    answer = requests.put(f"{url}/1", json={**known, **changes}, auth=xnat.admin, timeout=9)
    assert answer.status_code == 200, answer.text
    changed: dict[str, Any] = answer.json()
    return changed


def test_an_echo_is_answered(xnat: XNAT) -> None:
    with association(xnat) as link:
        assert link.send_c_echo().Status == 0


def test_an_unknown_called_title_is_rejected(xnat: XNAT) -> None:
    with association(xnat, called="NOBODY") as link:
        assert link.is_rejected


def test_a_stored_object_lands_in_the_prearchive_of_the_project_it_names(xnat: XNAT) -> None:
    assert store(xnat, samples.instance_of(comments="Project:P1")) == 0
    (row,) = rows(xnat)
    assert (row["project"], row["name"], row["status"]) == ("P1", "SUB001_MR1", "RECEIVING")
    (file,) = (xnat.data / "prearchive").rglob("*.dcm")
    assert file.name.startswith(row["tag"])


def test_an_object_of_no_project_goes_to_unassigned_with_success(xnat: XNAT) -> None:
    assert store(xnat, samples.instance_of()) == 0
    assert [row["project"] for row in rows(xnat)] == ["Unassigned"]


def test_a_refused_object_is_not_understood(xnat: XNAT) -> None:
    xnat.settings.import_fault = lambda uid: "no"
    assert store(xnat, samples.instance_of()) == 0xC000


def test_an_object_that_anonymisation_rejects_is_a_success(xnat: XNAT) -> None:
    xnat.settings.anonymize = lambda path: False
    assert store(xnat, samples.instance_of()) == 0
    assert rows(xnat) == []


def test_an_unexpected_error_is_out_of_resources(xnat: XNAT) -> None:
    def broken(path: Path) -> bool:
        raise RuntimeError("bug")

    xnat.settings.anonymize = broken
    assert store(xnat, samples.instance_of()) == 0xA700


def test_objects_of_parallel_associations_join_one_session(xnat: XNAT) -> None:
    with association(xnat) as one, association(xnat) as two:
        for number in range(1, 5):
            link = (one, two)[number % 2]
            assert link.send_c_store(samples.instance_of(instance=number)).Status == 0
    assert len(rows(xnat)) == 1
    assert len(list((xnat.data / "prearchive").rglob("*.dcm"))) == 4


def test_idle_sessions_are_archived_where_the_project_says_so(xnat: XNAT) -> None:
    xnat.has_project("AUTO", code=4)
    store(xnat, samples.instance_of(comments="Project:AUTO"))
    xnat.settings.rebuild_idle = 0.1
    wait_until(lambda: not rows(xnat))
    assert xnat.store.items.experiment_in("AUTO", "SUB001_MR1")


def test_a_receiver_may_write_straight_into_the_archive(xnat: XNAT) -> None:
    configure(xnat, directArchive=True)
    store(xnat, samples.instance_of(comments="Project:P1"))
    assert rows(xnat) == []
    assert list((xnat.data / "archive" / "P1").rglob("*.dcm"))


def test_a_whitelist_turns_others_away(xnat: XNAT) -> None:
    configure(xnat, whitelistEnabled=True, whitelist=["SCANNER@127.0.0.1"])
    with association(xnat) as link:
        assert link.is_rejected
    with association(xnat, calling="SCANNER") as link:
        assert link.is_established


def test_routing_expressions_come_first(xnat: XNAT) -> None:
    configure(
        xnat,
        routingExpressionsEnabled=True,
        projectRoutingExpression=r"(0008,1030):^Study of (\w+):1",
        sessionRoutingExpression=r"(0020,000d):\d\.(\d+)",
    )
    store(xnat, samples.instance_of(study_description="Study of P1", study_uid="1.77.3"))
    (row,) = rows(xnat)
    assert (row["project"], row["name"]) == ("P1", "77")


@pytest.mark.parametrize(
    "values",
    [
        {"aeTitle": "XNAT", "port": None},
        {"aeTitle": " X"},
        {"aeTitle": "A" * 17},
        {"aeTitle": "B", "identifier": "nope"},
        {"aeTitle": "B", "whitelist": ["A@1.2.3.4/99"]},
        {"aeTitle": "B", "projectRoutingExpression": "nonsense"},
    ],
)
def test_unusable_receivers_are_refused(xnat: XNAT, values: dict[str, Any]) -> None:
    (port,) = scp_ports(xnat.app)
    body = {key: port if key == "port" else value for key, value in values.items()}
    answer = requests.post(xnat.url + "/xapi/dicomscp", json=body, auth=xnat.admin, timeout=9)
    assert answer.status_code == 400


def test_two_titles_share_a_port(xnat: XNAT) -> None:
    (port,) = scp_ports(xnat.app)
    body = {"aeTitle": "OTHER", "port": port}
    answer = requests.post(xnat.url + "/xapi/dicomscp", json=body, auth=xnat.admin, timeout=9)
    assert answer.json()["id"] == 2
    with association(xnat, called="OTHER") as link:
        assert link.is_established


def test_a_disabled_receiver_does_not_listen(xnat: XNAT) -> None:
    url = xnat.url + "/xapi/dicomscp/1/enabled"
    assert requests.put(f"{url}/false", auth=xnat.admin, timeout=9).status_code == 200
    assert requests.get(url, auth=xnat.admin, timeout=9).json() is False
    assert scp_ports(xnat.app) == []


def test_a_server_without_a_port_still_shows_the_usual_receiver(make_xnat: MakeXNAT) -> None:
    server = make_xnat()
    (found,) = requests.get(server.url + "/xapi/dicomscp", auth=server.admin, timeout=9).json()
    assert (found["aeTitle"], found["port"]) == ("XNAT", 8104)
    assert scp_ports(server.app) == []
