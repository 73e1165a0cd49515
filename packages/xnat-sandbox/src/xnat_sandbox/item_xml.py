"""Single items as XML, out and in."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

from .datatypes import element_of, known_type, type_of
from .documents import Node
from .fields import converted
from .model import Value
from .responses import StatusError

XNAT = "http://nrg.wustl.edu/xnat"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
NAMESPACES = {
    "xnat": XNAT,
    "xsi": XSI,
    "cat": "http://nrg.wustl.edu/catalog",
    "icr": "http://icr.ac.uk/icr",
    "proc": "http://nrg.wustl.edu/proc",
    "fs": "http://nrg.wustl.edu/fs",
    "xdat": "http://nrg.wustl.edu/security",
    "wrk": "http://nrg.wustl.edu/workflow",
}
_PREFIXES = {uri: prefix for prefix, uri in NAMESPACES.items()}
_HEADER = "".join(f" xmlns:{prefix}={quoteattr(uri)}" for prefix, uri in NAMESPACES.items())

# Fields that are attributes of their element; everything else is an element inside it.
ATTRIBUTES = frozenset(
    {
        *("ID", "label", "project", "group", "src", "visit_id", "visit", "version", "protocol"),
        *("UID", "modality", "type", "secondary_ID", "URI", "format", "content", "name"),
        *("description", "file_count", "file_size", "share_id"),
    }
)
# Attributes of resources and custom fields that are elements in projects, subjects and sessions.
_ELEMENTS = frozenset({"name", "description", "format", "content"})


def xml_document(node: Node) -> str:
    """The whole document."""
    element = element_of(node.xsi_type)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{_element(element, node, _HEADER)}\n'


def _element(name: str, node: Node, header: str = "") -> str:
    attributes, elements = _split(node)
    text = str(node.fields.get("field", "")) if node.xsi_type.endswith("_field") else ""
    if node.xsi_type == "xnat:projectData_alias":
        text = str(node.fields["alias"])
        elements = {}
    if not header and ":" in node.xsi_type and "_" not in node.xsi_type:
        header = f" xsi:type={quoteattr(node.xsi_type)}"
    shown = "".join(f" {key}={quoteattr(str(value))}" for key, value in attributes.items())
    inner = escape(text) + _nested(elements) + _groups(node)
    return f"<{name}{shown}{header}>{inner}</{name}>" if inner else f"<{name}{shown}{header}/>"


def _split(node: Node) -> tuple[dict[str, Value], dict[str, Value]]:
    small = node.xsi_type == "xnat:resourceCatalog" or node.xsi_type.endswith("_field")
    attributes: dict[str, Value] = {}
    elements: dict[str, Value] = {}
    for path, value in node.fields.items():
        if path in ATTRIBUTES and (small or path not in _ELEMENTS):
            attributes[path] = value
        elif not node.xsi_type.endswith("_field"):
            elements[path] = value
    return attributes, elements


def _nested(elements: dict[str, Value]) -> str:
    """Joined paths as elements: `scanner` and `scanner/model` share one element."""
    heads: dict[str, dict[str, Value]] = {}
    for path, value in elements.items():
        head, _, tail = path.partition("/")
        heads.setdefault(head, {})[tail] = value
    parts = []
    for head, inside in heads.items():
        name = re.sub(r"\[.*\]", "", head)
        text = escape(str(inside.pop("", "")))
        parts.append(f"<xnat:{name}>{text}{_nested(inside)}</xnat:{name}>")
    return "".join(parts)


def _groups(node: Node) -> str:
    parts = []
    for path, children in node.children:
        *outer, last = path.split("/")
        inner = "".join(_element(f"xnat:{last}", child) for child in children)
        for name in reversed(outer):
            inner = f"<xnat:{name}>{inner}</xnat:{name}>"
        parts.append(inner)
    return "".join(parts)


@dataclass(slots=True)
class Parsed:
    """An item that somebody sent as XML."""

    xsi_type: str
    fields: dict[str, Value] = field(default_factory=dict)
    children: list[tuple[str, Parsed]] = field(default_factory=list)
    aliases: list[str] = field(default_factory=list)

    def take(self, name: str) -> str:
        """Remove a field and answer its text, empty when absent."""
        return str(self.fields.pop(name, ""))

    def below(self, path: str) -> list[Parsed]:
        """The items of one group."""
        return [child for group, child in self.children if group == path]


_GROUPS = {
    ("scans", "scan"): "scans/scan",
    ("assessors", "assessor"): "assessors/assessor",
    ("experiments", "experiment"): "experiments/experiment",
    ("sharing", "share"): "sharing/share",
    ("reconstructions", "reconstructedImage"): "reconstructions/reconstructedImage",
    ("resources", "resource"): "resources/resource",
}


def parse_item(data: bytes) -> Parsed:
    """The item in an XML document; 400 when it is none."""
    try:
        root = ET.fromstring(data)
    except ET.ParseError as error:
        raise StatusError(400, f"Unable to parse XML: {error}") from error
    element = _qualified(root.tag)
    xsi_type = type_of(element) or known_type(element) or ""
    if not xsi_type:
        raise StatusError(400, f"Unknown element: {element}")
    try:
        return _parsed(root, xsi_type)
    except StatusError as error:
        raise StatusError(400, error.message) from error


def _parsed(element: ET.Element, xsi_type: str) -> Parsed:
    item = Parsed(element.get(f"{{{XSI}}}type") or xsi_type)
    for name, value in element.attrib.items():
        if not name.startswith("{"):
            item.fields[name] = converted(name, value)
    for child in element:
        _take(item, child, "")
    return item


def _take(item: Parsed, element: ET.Element, outer: str) -> None:
    name = element.tag.rpartition("}")[2]
    path = f"{outer}{name}"
    if outer == "fields/" and name == "field":
        item.fields[f"fields/field[name={element.get('name')}]/field"] = element.text or ""
        return
    if path == "aliases/alias":
        item.aliases.append((element.text or "").strip())
        return
    group = _GROUPS.get((outer.rstrip("/"), name)) or ("file" if path == "file" else None)
    if group:
        item.children.append((group, _parsed(element, "")))
        return
    text = (element.text or "").strip()
    if text:
        item.fields[path] = converted(path, text)
    for attribute, value in element.attrib.items():
        if not attribute.startswith("{"):
            item.fields[f"{path}/{attribute}"] = converted(f"{path}/{attribute}", value)
    for child in element:
        _take(item, child, f"{path}/")


def _qualified(tag: str) -> str:
    uri, _, name = tag.lstrip("{").partition("}")
    return f"{_PREFIXES.get(uri, 'xnat')}:{name}" if name else f"xnat:{uri}"
