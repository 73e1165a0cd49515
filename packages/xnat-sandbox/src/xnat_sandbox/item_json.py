"""Single items as JSON: `{"items": [{children, meta, data_fields}]}`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .documents import Node, java_date


def json_document(node: Node, past: list[Node]) -> Iterator[bytes]:
    """The document; old versions, if any, stand beside the item."""
    document = {"items": [_item(node), *map(_item, past)]}
    yield json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _item(node: Node) -> dict[str, Any]:
    meta: dict[str, Any] = {"isHistory": node.history, "xsi:type": node.xsi_type}
    if node.inserted:
        meta["start_date"] = java_date(node.inserted)
    return {
        "children": [
            {"field": path, "items": [_item(child) for child in children]}
            for path, children in node.children
        ],
        "meta": meta,
        "data_fields": node.fields,
    }
