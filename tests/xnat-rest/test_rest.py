"""Raw requests, as they are typed."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from support.sandbox import XNAT
from support.scripted import answer, scripted
from xnat_rest.cli import main
from xnat_rest.requests import pairs


def test_a_listing_comes_a_row_a_line(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["get", "/data/projects", "-q", "-o", "ndjson"]) == 0
    rows = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [row["ID"] for row in rows] == ["P1"]


def test_json_is_the_document_as_the_server_wrote_it(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["get", "/data/projects", "-o", "json"]) == 0
    out, err = capfd.readouterr()
    assert json.loads(out)["ResultSet"]["totalRecords"] == "1"
    assert err == "xnat-rest: 200 OK\n"


def test_text_and_other_formats_are_printed_as_they_are(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["get", "/data/projects", "--params", "format=csv", "-q"]) == 0
    assert capfd.readouterr().out.splitlines()[0].startswith("ID,")


@pytest.mark.parametrize("query", ["req_format=qs", "file_format=DICOM&req_format=qs"])
def test_a_key_that_ends_in_format_does_not_choose_it(
    xnat: XNAT, query: str, capfd: pytest.CaptureFixture[str]
) -> None:
    xnat.has_project("P1")
    assert main(["get", f"/data/projects/P1?{query}"]) == 0
    assert capfd.readouterr().out.startswith('{"items":')


def test_bytes_that_are_no_text_are_sent_as_they_are_or_refused(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with scripted(answer(b"", 200)) as server:
        monkeypatch.setenv("XNAT_TOKEN", "5" * 32)
        assert main(["post", "/x", "-d", "\udcff", "--url", server.url]) == 0
        assert server.bodies == [b"\xff"]
    for words in (["get", "/\udcff"], ["get", "/x", "--params", "a=\udcff"]):
        assert main(words) == 2
        assert "\\udcff' is no text in UTF-8" in capfd.readouterr().err


ARCHIVED = "/data/archive/projects/P1/subjects/S1/experiments/E1"


@pytest.mark.parametrize(
    ("told", "out", "err"),
    [
        (answer(ARCHIVED.encode(), 301), ARCHIVED, "301 Said"),
        (answer(b"", 303, Location=f"http://x{ARCHIVED}"), "", f"303 Said http://x{ARCHIVED}"),
    ],
)
def test_the_answers_of_the_prearchive_are_no_failures(
    told: bytes,
    out: str,
    err: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with scripted(told) as server:
        monkeypatch.setenv("XNAT_TOKEN", "5" * 32)
        path = "/data/prearchive/projects/P1/2024/E1?action=commit"
        assert main(["post", path, "--url", server.url]) == 0
    assert capfd.readouterr() == (out, f"xnat-rest: {err}\n")


@pytest.mark.parametrize("status", [301, 302, 303])
@pytest.mark.parametrize("place", ["/app/template/Login.vm", "https://sso.example.org/data/x"])
def test_a_post_that_is_sent_elsewhere_has_failed(
    status: int, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scripted(answer(b"", status, Location=place)) as server:
        monkeypatch.setenv("XNAT_TOKEN", "5" * 32)
        assert main(["post", "/data/services/archive", "--url", server.url]) == 3


def test_a_file_goes_up_and_comes_back_byte_for_byte(
    xnat: XNAT, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    xnat.has_session("P1", "S1", "E1", scans={})
    data = bytes(range(256)) * 5000
    (tmp_path / "a.bin").write_bytes(data)
    path = "/data/projects/P1/resources/R/files/a.bin"
    assert main(["put", path, "--params=inbody=true", "-f", str(tmp_path / "a.bin"), "-q"]) == 0
    capfdbinary.readouterr()
    assert main(["get", path, "-q"]) == 0
    assert capfdbinary.readouterr().out == data


@pytest.mark.parametrize(
    "words", [["/data/experiments/E1/resources/R/files/a.nii.gz"], ["/data/x", "--raw"]]
)
def test_a_file_that_is_marked_as_compressed_stays_compressed(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    image = gzip.compress(b"image")
    with scripted(answer(image, Content_Encoding="gzip")) as server:
        monkeypatch.setenv("XNAT_TOKEN", "5" * 32)
        assert main(["get", *words, "--url", server.url]) == 0
    assert capfdbinary.readouterr().out == image


def test_fields_travel_as_params(capfd: pytest.CaptureFixture[str]) -> None:
    put = ["put", "/data/projects/P1/subjects/S9", "--params", "gender=female"]
    assert main([*put, "--params=yob=1970"]) == 0
    assert capfd.readouterr().out.strip().startswith("XNAT_S")


def test_an_equals_sign_in_brackets_does_not_split_a_pair() -> None:
    key = "xnat:mrSessionData/fields/field[name=X]/field"
    assert pairs((f"{key}=a=b",)) == [(key, "a=b")]


@pytest.mark.parametrize("word", ["novalue", "=x"])
def test_a_pair_without_key_or_value_is_a_usage_error(
    word: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["get", "/data/projects", "--params", word]) == 2
    assert "must be KEY=VALUE" in capfd.readouterr().err


def test_not_found_is_status_five_and_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["get", "/data/projects/NOPE"]) == 5
    assert capfd.readouterr().err.count("\n") == 1


def test_a_url_of_another_server_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["get", "https://elsewhere.example.org/data/projects"]) == 2
    assert "not on the server in use" in capfd.readouterr().err


def test_ping_tells_version_and_latency(xnat: XNAT, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["ping", "-o", "json"]) == 0
    record = json.loads(capfd.readouterr().out)
    assert record["url"] == xnat.url
    assert record["version"] == xnat.settings.version
    assert record["latency_ms"] > 0
    assert record["authenticated"] is True


def test_ping_needs_no_login(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XNAT_USER")
    monkeypatch.delenv("XNAT_PASS")
    assert main(["ping", "-o", "json"]) == 0
    assert json.loads(capfd.readouterr().out)["authenticated"] is False


def test_the_page_that_asks_to_log_in_is_no_answer(
    xnat: XNAT, capfd: pytest.CaptureFixture[str]
) -> None:
    page = '<form action="/login"><input type="password" name="password"></form>'
    xnat.before(
        lambda r: Response(page, mimetype="text/html") if r.path == "/data/projects" else None
    )
    assert main(["get", "/data/projects"]) == 3
    assert "/data/projects was answered by the page that asks to log in" in capfd.readouterr().err


STRANGE = r'{"ResultSet":{"Result":[{"ID":"\ud800","n":123456789012345678901234567890}]}}'


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        ([], '{"ID":"\ufffd","n":"123456789012345678901234567890"}\n'),
        (["--output", "json"], json.dumps(json.loads(STRANGE), indent=2) + "\n"),
    ],
)
def test_texts_and_numbers_that_others_cannot_read_are_shown(
    xnat: XNAT, capfd: pytest.CaptureFixture[str], words: list[str], printed: str
) -> None:
    xnat.before(
        lambda r: Response(STRANGE, mimetype="application/json") if "projects" in r.path else None
    )
    assert main(["get", "/data/projects", *words]) == 0
    assert capfd.readouterr().out == printed


def test_json_cannot_drive_the_terminal(xnat: XNAT, capfd: pytest.CaptureFixture[str]) -> None:
    body = '{"a":"\x9b31m\u202e\xe4"}'
    xnat.before(
        lambda r: Response(body, mimetype="application/json") if "projects" in r.path else None
    )
    assert main(["get", "/data/projects", "-o", "json"]) == 0
    assert capfd.readouterr().out == '{\n  "a": "\\u009b31m\\u202e\xe4"\n}\n'


def test_json_without_a_bottom_is_printed_and_called_unreadable(
    xnat: XNAT, capfd: pytest.CaptureFixture[str]
) -> None:
    body = "[" * 100_000
    xnat.before(
        lambda r: Response(body, mimetype="application/json") if "projects" in r.path else None
    )
    assert main(["get", "/data/projects"]) == 8
    answer = capfd.readouterr()
    # As it came: no record stands behind half a line.
    assert answer.out == body
    assert "the answer says it is JSON, but cannot be read" in answer.err


@pytest.mark.parametrize("kind", ["text/plain", "text/html;charset=UTF-8", "Application/JSON", ""])
def test_a_listing_is_one_whatever_its_type_is_called(
    xnat: XNAT, capfd: pytest.CaptureFixture[str], kind: str
) -> None:
    def hook(request: Request) -> Response | None:
        answer = Response(' {"ResultSet": {"Result": [{"ID": "P1"}]}}')
        del answer.headers["Content-Type"]
        if kind:
            answer.headers["Content-Type"] = kind
        return answer if request.path == "/data/projects" else None

    xnat.before(hook)
    assert main(["get", "/data/projects"]) == 0
    assert capfd.readouterr().out == '{"ID":"P1"}\n'
