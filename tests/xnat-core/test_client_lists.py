"""Lists: their shape is checked before anything in them is believed."""

from __future__ import annotations

import codecs
import gzip
import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer

from support.listings import ENVELOPE, ITEM, ROWS, listing
from support.sandbox import XNAT
from support.scripted import answer, head, scripted, then_close
from xnat_core.client import XNATClient
from xnat_core.errors import AuthenticationError, ClientRequestError, NetworkError, XNATCtlError
from xnat_core.http.spellings import as_texts


def rows_of(body: bytes, **how: Any) -> list[dict[str, str]]:
    with scripted(answer(body)) as server, XNATClient(server.url) as client:
        return client.rows("/data/x", **how)


def streamed(body: bytes, size: int = 1 << 20) -> list[dict[str, str]]:
    blocks = (body[start : start + size] for start in range(0, len(body), size))
    return list(ENVELOPE.iter_rows(blocks))


@pytest.mark.parametrize("size", [1, 2, 7, 1 << 20])
def test_rows_are_read_whole_and_as_they_come(size: int) -> None:
    assert ENVELOPE.rows(listing(ROWS)) == ROWS
    assert streamed(listing(ROWS), size) == ROWS


row = st.dictionaries(st.text(), st.text(), max_size=4)


@given(rows=st.lists(row, max_size=6), size=st.integers(1, 40))
@example(rows=[{"NAME": "a column that is read by another spelling of its name"}], size=1)
def test_both_ways_agree_on_any_list(rows: list[dict[str, Any]], size: int) -> None:
    body = listing(rows)
    assert streamed(body, size) == ENVELOPE.rows(body) == [as_texts(row) for row in rows]


def test_every_value_becomes_text() -> None:
    body = listing([{"a": 1, "b": None, "c": True, "d": 1.5, "e": {"f": [1]}, "g": "x"}])
    expected = {"a": "1", "b": "", "c": "true", "d": "1.5", "e": '{"f":[1]}', "g": "x"}
    assert ENVELOPE.rows(body) == streamed(body, 5) == [expected]


def test_an_empty_list_is_empty() -> None:
    assert ENVELOPE.rows(listing([])) == streamed(listing([]), 3) == []


def test_columns_before_the_rows_and_blanks_do_not_disturb() -> None:
    rows = b'"Result" : [ {"a":"1"} ,\n{"a":"2"}\n] '
    body = b' {"ResultSet" : {"Columns":[{"key":"URI"}], ' + rows + b"} } \n"
    assert streamed(body, 3) == ENVELOPE.rows(body) == [{"a": "1"}, {"a": "2"}]


def test_bytes_that_are_no_utf8_become_replacement_characters() -> None:
    body = listing([{"a": "X"}]).replace(b"X", b"\xfcber")
    assert ENVELOPE.rows(body) == streamed(body, 2) == [{"a": "\ufffdber"}]


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_a_list_that_breaks_off_is_never_taken_for_whole(cut: int) -> None:
    body = listing(ROWS)[:-cut]
    with pytest.raises((NetworkError, ClientRequestError)):
        ENVELOPE.rows(body)
    with pytest.raises((NetworkError, ClientRequestError)):
        streamed(body, 5)


def test_the_rows_before_a_break_are_given() -> None:
    found: list[dict[str, str]] = []
    with pytest.raises(NetworkError):
        for entry in ENVELOPE.iter_rows([listing(ROWS)[:-20]]):
            found.append(entry)
    assert found == ROWS


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (orjson.dumps(ITEM), "an item instead of a list"),
        (b"", "nothing instead of a list"),
        (b" \n", "nothing instead of a list"),
        (b"{}", "an object instead of a list"),
        (b"[]", "something else instead of a list"),
        (b'"text"', "something else instead of a list"),
        (b'{"ResultSet": {"Result": {"a": 1}}}', "a list without rows instead of a list"),
    ],
)
def test_another_shape_is_no_list(body: bytes, said: str) -> None:
    with pytest.raises(ClientRequestError, match=said):
        ENVELOPE.rows(body)
    with pytest.raises(XNATCtlError):
        streamed(body, 4)


@pytest.mark.parametrize(
    "result",
    [
        {"Result": []},
        {"Result": ""},
        {"Result": None},
        {"Result": {}},
        {"title": "Files", "totalRecords": "0"},
        {"totalRecords": "0"},
        {"Result": "", "totalRecords": 0},
    ],
)
def test_an_empty_list_may_be_written_in_many_ways(result: dict[str, Any]) -> None:
    body = json.dumps({"ResultSet": result}).encode()
    assert ENVELOPE.rows(body) == []
    assert streamed(body, 4) == []


@pytest.mark.parametrize(
    "result",
    [{}, {"title": "Files"}, {"totalRecords": "3"}, {"Result": "", "totalRecords": 3}],
)
def test_a_list_that_lacks_its_rows_is_no_empty_one(result: dict[str, Any]) -> None:
    body = json.dumps({"ResultSet": result}).encode()
    with pytest.raises(ClientRequestError, match="a list without rows"):
        ENVELOPE.rows(body)
    with pytest.raises(ClientRequestError, match="a list without rows"):
        streamed(body, 4)


def test_a_mark_of_the_byte_order_is_no_part_of_the_json() -> None:
    body = codecs.BOM_UTF8 + b'{"ResultSet": {"Result": [{"ID": "1"}]}}'
    assert ENVELOPE.rows(body) == streamed(body, 4) == [{"ID": "1"}]
    assert ENVELOPE.item(codecs.BOM_UTF8 + b'{"items": [{"data_fields": {}}]}') == {
        "data_fields": {}
    }


def test_columns_in_another_case_are_found_by_the_names_that_are_known() -> None:
    body = b'{"ResultSet": {"Result": [{"name": "a", "uri": "/x/data/files/a", "cat_id": "7"}]}}'
    (row,) = ENVELOPE.rows(body)
    assert (row["Name"], row["cat_ID"]) == ("a", "7")
    assert streamed(body, 4) == [row]
    body = b'{"ResultSet": {"Result": [{"XSITYPE": "a", "Other": "b"}]}}'
    (row,) = ENVELOPE.rows(body)
    assert (row["xsiType"], row["Other"]) == ("a", "b")


def test_addresses_begin_with_data_wherever_the_server_is() -> None:
    body = b'{"ResultSet": {"Result": [{"URI": "https://x.org/xnat/data/experiments/E1"}]}}'
    assert ENVELOPE.rows(body) == [{"URI": "/data/experiments/E1"}]


def test_a_web_page_is_no_list() -> None:
    with pytest.raises(AuthenticationError, match="web page"):
        ENVELOPE.rows(b"<html></html>")
    with pytest.raises(AuthenticationError, match="web page"):
        streamed(b"<html></html>", 3)


def test_a_row_without_end_does_not_fill_the_memory() -> None:
    endless = (b'{"a":"' + b"x" * (1 << 20) for _ in range(1 << 20))

    def blocks() -> Iterator[bytes]:
        yield b'{"ResultSet":{"Result":['
        yield from endless

    with pytest.raises(NetworkError):
        list(ENVELOPE.iter_rows(blocks()))


def test_two_hundred_thousand_rows_need_no_memory_to_speak_of() -> None:
    one = orjson.dumps({"Name": "a.dcm", "Size": "526550", "URI": "/data/" + "x" * 200}) + b","

    def blocks() -> Iterator[bytes]:
        yield b'{"ResultSet":{"Result":['
        for _ in range(200):
            yield one * 1000
        yield one[:-1] + b"]}}"

    tracemalloc.start()
    try:
        assert sum(1 for _ in ENVELOPE.iter_rows(blocks())) == 200_001
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_lists_are_asked_for_as_json() -> None:
    with scripted(answer(listing(ROWS))) as server, XNATClient(server.url) as client:
        client.rows("/data/projects", {"columns": "ID"})
        client.rows("/data/projects", {"format": "json"})
        client.rows("/data/projects?format=json")
        client.rows("/data/projects?file_format=DICOM")
        list(client.iter_rows("/data/projects"))
    assert server.requests == [
        "GET /data/projects?columns=ID&format=json",
        "GET /data/projects?format=json",
        "GET /data/projects?format=json",
        "GET /data/projects?file_format=DICOM&format=json",
        "GET /data/projects?format=json",
    ]


def test_an_empty_body_may_be_an_empty_list() -> None:
    assert rows_of(b"", empty_ok=True) == []
    with pytest.raises(ClientRequestError):
        rows_of(b"")


def test_a_compressed_list_is_understood(httpserver: HTTPServer) -> None:
    body = gzip.compress(listing(ROWS))
    httpserver.expect_request("/data/x").respond_with_data(
        body, headers={"Content-Encoding": "gzip"}
    )
    with XNATClient(httpserver.url_for("")) as client:
        assert client.rows("/data/x") == list(client.iter_rows("/data/x")) == ROWS


def test_a_list_cut_by_the_network_raises_at_its_end() -> None:
    body = listing(ROWS)
    with (
        scripted(then_close(head(200, len(body)) + body[:-5])) as server,
        XNATClient(server.url) as client,
        pytest.raises(NetworkError),
    ):
        list(client.iter_rows("/data/x"))


def test_a_half_read_list_leaves_the_client_usable() -> None:
    body = listing([{"ID": str(number)} for number in range(100_000)])
    with (
        scripted(answer(body), answer(listing(ROWS))) as server,
        XNATClient(server.url) as client,
    ):
        rows = client.iter_rows("/data/x")
        assert next(rows) == {"ID": "0"}
        rows.close()  # type: ignore[attr-defined]
        assert client.rows("/data/x") == ROWS


def test_a_path_without_a_route_is_no_empty_list(xnat: XNAT) -> None:
    xnat.has_session("P1", "S1", "MR1")
    with (
        XNATClient(xnat.url, *xnat.admin) as client,
        pytest.raises(ClientRequestError, match="an item instead of a list"),
    ):
        client.rows("/data/projects/P1/experiments/MR1/scans")


def test_an_identifier_is_found_also_where_all_columns_are_in_small_letters() -> None:
    row = as_texts({"id": "XNAT_S00001", "label": "S1", "subject_id": "XNAT_S00001"})
    assert (row["ID"], row["subject_ID"]) == ("XNAT_S00001", "XNAT_S00001")
