"""What the two engines do before any resource has a say: routes, methods, Accept, status pages."""

from __future__ import annotations

import pytest

from support.sandbox import XNAT

LABEL = "/data/projects/P1/subjects/S1/experiments/MR1"


@pytest.fixture(autouse=True)
def one_session(xnat: XNAT) -> None:
    """A project with a session and a scan."""
    xnat.has_session("P1", "S1", "MR1", scans={"1": {"a.dcm": b"AAAA"}})


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/data/projects/P1/experiments/MR1/scans", "xnat:mrSessionData"),
        ("/data/projects/P1/experiments/MR1/scans/1/resources/DICOM/files", "xnat:mrSessionData"),
        ("/data/projects/P1/experiments/MR1/files", "xnat:mrSessionData"),
        ("/data/experiments/XNAT_E00001/pipelines/x", "xnat:mrSessionData"),
        ("/data/subjects/XNAT_S00001/experiments", "xnat:subjectData"),
        ("/data/projects/P1/nonsense", "xnat:projectData"),
    ],
)
def test_an_unknown_tail_answers_the_item_above(xnat: XNAT, path: str, kind: str) -> None:
    answer = xnat.call("GET", f"{path}?format=json")
    assert answer.json()["items"][0]["meta"]["xsi:type"] == kind


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_an_unknown_tail_is_no_place_to_write(xnat: XNAT, method: str) -> None:
    answer = xnat.call(method, "/data/projects/P1/experiments/MR1/scans/1")
    assert answer.status_code == 400
    message = "<h3>Illegal file path 'scans/1' does not start with 'projects/'.</h3>"
    assert message in answer.text


def test_a_single_user_is_the_whole_list(xnat: XNAT) -> None:
    assert [row["login"] for row in xnat.rows("/data/users/admin?format=json")] == ["admin"]


@pytest.mark.parametrize("path", ["/data/version", "/data/pipelines", "/data/audit", "/nowhere"])
def test_there_is_no_such_route(xnat: XNAT, path: str) -> None:
    assert xnat.call("GET", path).status_code == 404


@pytest.mark.parametrize("prefix", ["/data", "/data/archive", "/REST"])
def test_one_resource_has_three_mounts(xnat: XNAT, prefix: str) -> None:
    answer = xnat.call("GET", f"{prefix}/experiments/XNAT_E00001?format=json")
    assert answer.json()["items"][0]["data_fields"]["label"] == "MR1"


@pytest.mark.parametrize(
    ("path", "accept", "status"),
    [
        ("/data/projects", "application/json", 200),
        ("/data/projects/P1?format=json", "application/json", 406),
        ("/data/projects/P1?format=json", "*/*", 200),
        ("/data/experiments/XNAT_E00001?format=json", "application/json, */*;q=0.1", 200),
        ("/data/experiments/XNAT_E00001/scans/1/resources/DICOM", "application/json", 406),
        ("/data/JSESSION", "application/json", 406),
    ],
)
def test_accept_is_weighed_before_format(xnat: XNAT, path: str, accept: str, status: int) -> None:
    assert xnat.call("GET", path, headers={"Accept": accept}).status_code == status


def test_a_single_item_without_format_is_a_page(xnat: XNAT) -> None:
    answer = xnat.call("GET", LABEL)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


def test_post_tunnels_other_methods(xnat: XNAT) -> None:
    assert xnat.call("POST", f"{LABEL}?method=DELETE").status_code == 200
    assert xnat.call("GET", LABEL).status_code == 404


def test_labels_in_urls_are_not_decoded(xnat: XNAT) -> None:
    xnat.has_subject("P1", "S 2")
    assert xnat.call("GET", "/data/projects/P1/subjects/S%202?format=json").status_code == 404


def test_a_status_page_holds_the_message_in_a_heading(xnat: XNAT) -> None:
    answer = xnat.call("GET", "/data/nope")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    head, _, body = answer.text.partition("<body>\n")
    assert head == "<html>\n<head>\n   <title>Status page</title>\n</head>\n"
    assert body.startswith("<h3>Not Found</h3><p>You can get technical details")


def test_listings_and_items_have_no_length_and_texts_have(xnat: XNAT) -> None:
    for path in ("/data/projects", f"{LABEL}?format=json"):
        headers = xnat.call("GET", path).headers
        assert headers["Transfer-Encoding"] == "chunked"
        assert "Content-Length" not in headers
    assert xnat.call("GET", "/data/auth").headers["Content-Length"] == "25"


def test_an_open_range_of_a_stream_is_a_server_error(xnat: XNAT) -> None:
    statuses = [
        xnat.call("GET", "/data/projects", headers={"Range": text}).status_code
        for text in ("bytes=5-", "bytes=0-5")
    ]
    assert statuses == [500, 200]


def test_xapi_is_strict_about_paths_and_methods(xnat: XNAT) -> None:
    assert xnat.call("GET", "/xapi/users/profiles/nonsense").status_code == 404
    assert xnat.call("PUT", "/xapi/siteConfig").status_code == 405
    assert xnat.call("GET", "/xapi/nope").content == b""
