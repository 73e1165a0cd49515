"""Single objects, JSON and text: shapes checked before anything in them is believed."""

from __future__ import annotations

import orjson
import pytest

from support.listings import ENVELOPE, ITEM, ROWS, listing
from support.scripted import answer, scripted
from xnat_core.client import XNATClient
from xnat_core.errors import ClientRequestError, NetworkError


def test_an_item_is_returned_with_its_children() -> None:
    with scripted(answer(orjson.dumps(ITEM))) as server, XNATClient(server.url) as client:
        assert client.item("/data/experiments/E1") == ITEM["items"][0]
    assert server.requests == ["GET /data/experiments/E1?format=json"]


def test_a_list_of_one_row_is_an_item() -> None:
    found = ENVELOPE.item(listing([{"ID": "S1"}]))
    assert found == {"data_fields": {"ID": "S1"}, "meta": {}, "children": []}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b'{"items": []}',
        b'{"items": [{}, {}]}',
        b'{"items": [1]}',
        b'{"items": [{"children": []}]}',
        listing([]),
        listing(ROWS),
    ],
)
def test_another_shape_is_no_item(body: bytes) -> None:
    with pytest.raises(ClientRequestError, match="instead of an object"):
        ENVELOPE.item(body)


def test_half_an_item_is_cut_short() -> None:
    with pytest.raises(NetworkError):
        ENVELOPE.item(orjson.dumps(ITEM)[:-3])


def test_json_of_xapi_is_returned_as_it_is() -> None:
    with scripted(answer(b'{"a": [1, 2]}')) as server, XNATClient(server.url) as client:
        assert client.json("/xapi/plugins") == {"a": [1, 2]}
    assert server.requests == ["GET /xapi/plugins"]


def test_json_that_is_none_is_an_error() -> None:
    with (
        scripted(answer(b"nonsense")) as server,
        XNATClient(server.url) as client,
        pytest.raises(NetworkError),
    ):
        client.json("/xapi/plugins")


@pytest.mark.parametrize("body", [b"1.8.10", b'"1.8.10"', b" 1.8.10\n"])
def test_text_comes_without_quotes_and_blanks(body: bytes) -> None:
    with scripted(answer(body)) as server, XNATClient(server.url) as client:
        assert client.text("/xapi/x") == "1.8.10"
