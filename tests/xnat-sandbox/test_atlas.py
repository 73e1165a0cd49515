"""What missing and forbidden look like: the status-code atlas, line by line."""

from __future__ import annotations

import pytest

from support.sandbox import XNAT

P1, P2, OPEN = "/data/projects/P1", "/data/projects/P2", "/data/projects/GUARDED"
SESSION = "/data/experiments/XNAT_E00001"


@pytest.fixture(autouse=True)
def two_projects(xnat: XNAT) -> None:
    """P1 of bob's, P2 closed to him, GUARDED visible but not readable."""
    files = {"a.dcm": b"AAAA"}
    xnat.has_session("P1", "S1", "MR1", scans={"1": files}, resources={"NOTES": {"n.txt": b"n"}})
    xnat.has_session("P2", "S2", "MR2", scans={"1": files})
    xnat.has_project("GUARDED", accessibility="protected")
    xnat.has_user("bob", P1="collaborator")


ATLAS = [
    ("GET", f"{P1}?format=json", 200),
    ("GET", f"{P2}?format=json", 404),
    ("GET", "/data/projects/NOPE?format=json", 404),
    ("PUT", f"{P2}?name=x", 403),
    ("DELETE", P2, 403),
    ("DELETE", "/data/projects/NOPE", 400),
    ("GET", f"{P2}/subjects", 404),
    ("GET", f"{OPEN}/subjects", 403),
    ("GET", f"{OPEN}/experiments", 403),
    ("GET", "/data/projects/NOPE/experiments", 404),
    ("GET", f"{P1}/subjects/NOPE?format=json", 404),
    ("GET", "/data/experiments/XNAT_E00002?format=json", 404),
    ("DELETE", "/data/experiments/XNAT_E00002", 404),
    ("DELETE", SESSION, 403),
    ("DELETE", f"{P1}/subjects/S1", 403),
    ("GET", "/data/experiments/NOPE/scans", 500),
    ("GET", "/data/experiments/MR1/scans", 500),
    ("GET", "/data/experiments/NOPE/scans/1?format=json", 404),
    ("GET", "/data/experiments/NOPE/resources", 404),
    ("GET", "/data/experiments/NOPE/files", 500),
    ("GET", "/data/experiments/NOPE/resources/R/files", 500),
    ("GET", f"{SESSION}/resources/NOPE/files", 200),
    ("GET", f"{SESSION}/resources/NOTES/files/nope.txt", 404),
    ("DELETE", f"{SESSION}/resources/NOTES", 403),
    ("PUT", f"{SESSION}/resources/NOTES/files/x.txt?inbody=true", 200),
    ("PUT", f"{P1}/subjects/S1/experiments/NOPE/resources/R/files/x.txt?inbody=true", 404),
    ("PUT", f"{SESSION}/scans/2?xsiType=xnat:mrScanData", 403),
    ("PUT", f"{P1}/subjects/NEW", 403),
    ("PUT", f"{P1}/users/NOPE/bob", 403),
    ("GET", "/xapi/siteConfig", 200),
    ("POST", "/xapi/siteConfig", 403),
    ("GET", "/xapi/siteConfig/nope", 404),
    ("GET", "/xapi/users/admin", 403),
    ("GET", "/xapi/projects/NOPE/containers", 403),
    ("GET", "/xapi/containers/99", 404),
]


@pytest.mark.parametrize(("method", "path", "status"), ATLAS)
def test_a_collaborator_gets(xnat: XNAT, method: str, path: str, status: int) -> None:
    bob = ("bob", "bob-password")
    data = b"bytes" if "inbody" in path else b""
    assert xnat.call(method, path, user=bob, data=data).status_code == status


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", f"{P1}/users/NOPE/bob", 404),
        ("GET", "/xapi/projects/NOPE/containers", 404),
        ("PUT", f"{P1}/subjects/S2/experiments/NEW", 417),
        ("PUT", f"{P1}/subjects/S2/experiments/NEW?xsiType=xnat:imageSessionData", 400),
        ("PUT", "/data/projects/b%20d", 417),
        ("PUT", "/data/projects/p1", 409),
        ("PUT", "/data/subjects/NOPE?gender=female", 422),
        ("PUT", "/data/experiments/NOPE?note=x", 404),
        ("PUT", f"{SESSION}?xsiType=xnat:mrSessionData", 422),
        ("PUT", f"{SESSION}?xnat:mrSessionData/note=x", 422),
        ("PUT", f"{SESSION}/scans/9", 417),
        ("PUT", f"{SESSION}/scans/9?xsiType=xnat:imageScanData", 400),
        ("PUT", f"{SESSION}/scans/1?xsiType=xnat:ctScanData", 409),
        ("PUT", "/data/experiments/NOPE/scans/1?xsiType=xnat:mrScanData", 417),
        ("PUT", f"{SESSION}/resources/NOTES", 409),
        ("PUT", f"{SESSION}/resources/NOTES/extra", 400),
        ("DELETE", f"{SESSION}/resources/NOPE", 200),
        ("DELETE", f"{SESSION}/resources/NOPE/files/x", 400),
        ("DELETE", f"{SESSION}/resources/NOTES/files/x", 404),
        ("DELETE", f"{SESSION}/resources/NOTES/files/x?accept-not-found=true", 204),
        ("DELETE", f"{SESSION}/scans/1,2", 404),
        ("PUT", f"{P1}/accessibility", 400),
        ("GET", "/data/workflows/99?format=json", 404),
        ("GET", "/data/services/workflows/workflowid/99?format=json", 500),
        ("GET", "/data/services/workflows/x?format=json", 404),
        ("GET", "/data/services/dicomdump", 400),
        ("POST", "/data/services/refresh/catalog?resource=/experiments/XNAT_E00001", 400),
        ("POST", "/data/services/refresh/catalog?resource=/archive/experiments/NOPE", 400),
        ("POST", "/data/services/refresh/catalog", 200),
        ("GET", "/xapi/anonymize/projects/NOPE", 500),
        ("GET", "/xapi/anonymize/projects/P1", 204),
        ("DELETE", "/xapi/commands/99", 204),
        ("GET", "/xapi/containers/1/logs/stdout", 500),
    ],
)
def test_an_administrator_gets(xnat: XNAT, method: str, path: str, status: int) -> None:
    assert xnat.call(method, path).status_code == status


def test_a_write_without_permission_stores_nothing_and_says_nothing(xnat: XNAT) -> None:
    bob = ("bob", "bob-password")
    path = f"{SESSION}/resources/NOTES/files/x.txt?inbody=true"
    answer = xnat.call("PUT", path, user=bob, data=b"bytes")
    assert (answer.status_code, answer.content) == (200, b"")
    session = xnat.store.items.experiment("XNAT_E00001")
    assert session and xnat.files(session, "NOTES") == {"n.txt": b"n"}
