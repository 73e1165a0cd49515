"""Lists that come in pages: no row is lost, none comes twice, and they end."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from support.listings import listing
from xnat_core.client import XNATClient
from xnat_core.errors import ClientRequestError


def pages(server: HTTPServer, rows: list[dict[str, str]], *, obeys: bool = True) -> None:
    def handler(request: Request) -> Response:
        offset, limit = int(request.args["offset"]), int(request.args["limit"])
        return Response(listing(rows[offset : offset + limit] if obeys else rows))

    server.expect_request("/data/x").respond_with_handler(handler)


def paginated(server: HTTPServer, **how: Any) -> list[str]:
    with XNATClient(server.url_for("")) as client:
        return [entry["ID"] for entry in client.paginate("/data/x", **how)]


def test_pages_are_read_to_the_empty_one(httpserver: HTTPServer) -> None:
    pages(httpserver, [{"ID": str(number)} for number in range(7)])
    assert paginated(httpserver, page_size=3) == list("0123456")


@pytest.mark.parametrize("count", [0, 2, 3, 7])
def test_a_server_that_ignores_pages_is_read_once(httpserver: HTTPServer, count: int) -> None:
    pages(httpserver, [{"ID": str(number)} for number in range(count)], obeys=False)
    assert paginated(httpserver, page_size=3) == [str(number) for number in range(count)]
    assert len(httpserver.log) <= 2


def test_a_short_page_is_not_the_last_one(httpserver: HTTPServer) -> None:
    def handler(request: Request) -> Response:
        offset = int(request.args["offset"])
        found = {0: ["a"], 2: ["b", "c"]}.get(offset, [])
        return Response(listing([{"ID": name} for name in found]))

    httpserver.expect_request("/data/x").respond_with_handler(handler)
    assert paginated(httpserver, page_size=2) == ["a", "b", "c"]


@pytest.mark.parametrize("orders", [("abcde", "bdace"), ("abcd", "dcba"), ("abcdef", "cbafed")])
def test_no_row_is_lost_where_the_order_changes_between_pages(
    httpserver: HTTPServer, orders: tuple[str, str]
) -> None:
    # Servers cut pages out of a query without an order.
    def handler(request: Request) -> Response:
        offset = int(request.args.get("offset", 0))
        found = orders[offset > 0][offset : offset + int(request.args.get("limit", 100))]
        return Response(listing([{"ID": name} for name in found]))

    httpserver.expect_request("/data/x").respond_with_handler(handler)
    found = paginated(httpserver, page_size=2)
    assert sorted(found) == sorted(orders[0])


def test_pages_of_another_key(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/xapi/x").respond_with_json({"a": {"b": [{"n": 1}, {"n": 2}]}})
    with XNATClient(httpserver.url_for("")) as client:
        found = list(client.paginate("/xapi/x", params={"q": "1"}, result_key="a.b"))
    assert found == [{"n": 1}, {"n": 2}]


def test_rows_without_an_id_are_told_apart_by_all_they_have(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/data/x").respond_with_data(listing([{"n": "1"}, {"n": "2"}]))
    with XNATClient(httpserver.url_for("")) as client:
        assert len(list(client.paginate("/data/x"))) == 2


@pytest.mark.parametrize("pages_before", [0, 1])
def test_a_page_that_is_no_list_is_not_the_end_of_the_list(
    httpserver: HTTPServer, pages_before: int
) -> None:
    for page in [listing([{"ID": "a"}])] * pages_before + ['{"items":[]}']:
        httpserver.expect_ordered_request("/data/x").respond_with_data(page)
    with pytest.raises(ClientRequestError, match="an item instead of a list"):
        paginated(httpserver)
