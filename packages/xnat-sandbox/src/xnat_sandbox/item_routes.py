"""What the routes of single items share: the document, the body, the rules of names."""

from __future__ import annotations

import re

from werkzeug.wrappers import Request, Response

from .context import Context, body_of
from .documents import Documents, Node
from .item_json import json_document
from .item_xml import Parsed, parse_item, xml_document
from .responses import StatusError, html_page, streamed

VALID_ID = re.compile(r"[A-Za-z0-9_-]+")
XML_LIMIT = 64 << 20


def documents(context: Context) -> Documents:
    """The builder of documents."""
    return Documents(context.store)


def item_answer(request: Request, context: Context, node: Node, kind: str, key: str) -> Response:
    """An item in the format asked for. Without `format` that is a page, not JSON."""
    wanted = context.format
    if wanted in ("json", "application/json"):
        past = []
        if context.parameters.flag("includeHistory"):
            past = documents(context).past(kind, key)
        return streamed(json_document(node, past), "application/json")
    accept = request.accept_mimetypes
    prefers_xml = accept["text/xml"] > accept["text/html"]
    if wanted in ("xml", "text/xml") or (not wanted and prefers_xml):
        return streamed([xml_document(node)], "text/xml")
    name = node.fields.get("label") or node.fields.get("ID")
    return html_page(f"<h1>{node.xsi_type}: {name}</h1>")


def sent_item(request: Request) -> Parsed | None:
    """The XML document in the body, None when there is no body."""
    data = b""
    for block in body_of(request):
        data += block
        if len(data) > XML_LIMIT:
            raise StatusError(400, "The document is too large.")
    if not data.strip() or request.mimetype == "application/x-www-form-urlencoded":
        return None
    return parse_item(data)


def check_label(label: str) -> None:
    """417 for a name with characters that XNAT does not take."""
    if not VALID_ID.fullmatch(label):
        raise StatusError(417, f"Invalid character in label: {label}")


def no_remainder(context: Context, *known: str) -> None:
    """400 for a write to a path that no route knows.

    Reads answer the nearest parent; a write that did so would hit the wrong item.
    """
    if context.rest:
        expected = known[0] if known else ""
        raise StatusError(
            400, f"Illegal file path '{context.rest}' does not start with '{expected}'."
        )
