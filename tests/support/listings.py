"""Lists and single objects as XNAT writes them."""

from __future__ import annotations

from typing import Any

import orjson

from xnat_core.http.listings import Envelope

ENVELOPE = Envelope("http://x", "GET /data/x")
ROWS = [{"ID": "P1", "name": "One"}, {"ID": "P2", "name": 'two "}], {'}]
ITEM = {"items": [{"children": [], "meta": {"xsi:type": "t"}, "data_fields": {"ID": "E1"}}]}


def listing(rows: list[dict[str, Any]], **more: Any) -> bytes:
    """A list with these rows, as its body travels."""
    return orjson.dumps({"ResultSet": {"title": "T", "Result": rows, "totalRecords": "2"} | more})
