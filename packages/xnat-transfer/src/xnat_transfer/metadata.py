"""Documents of the source made fit for the destination: the overlay of metadata.

What belongs to the place where an item was (IDs, paths, sharing, files) is taken out; what others
transfer (resources, assessors) as well. None of this is ever logged.
"""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping

from xnat_core.transfer_errors import TransferError

_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_OF_ITS_PLACE = frozenset(
    {
        *("sharing", "fields", "resources", "assessors", "reconstructions", "experiments"),
        *("subject_ID", "prearchivePath", "prearchivepath", "image_session_ID", "in", "out"),
    }
)
# A destination that anonymizes has replaced these; the overlay must not bring them back.
_IDENTIFYING = frozenset(
    {
        *("UID", "dcmPatientId", "dcmPatientName", "dcmPatientBirthDate", "dcmAccessionNumber"),
        *("dcmPatientWeight", "patientID", "patientName", "study_id", "scan_UID"),
        *("dob", "addID"),
    }
)
_IDENTIFYING_ATTRIBUTES = ("UID", "initials")
# Files, and numbers of rows in the source's database, where the destination has others.
_OF_THE_DATABASE = frozenset({"file", "image_session_ID", "xnat_imagescandata_id"})


def overlay(
    document: bytes,
    *,
    id: str,
    project: str,
    scans: Mapping[str, str] | None = None,
    session: str = "",
    anonymized: bool = False,
) -> bytes:
    """The document of an item as the destination may take it.

    `id` is the accession ID there, empty for a new item; `scans` maps the scans that are let
    through to their IDs there; `session` is the accession ID of an assessor's session there.
    """
    root = _parsed(document)
    for name in ("label", "ID", f"{_XSI}schemaLocation"):
        root.attrib.pop(name, None)
    root.set("project", project)
    if id:
        root.set("ID", id)
    for child in list(root):
        name = _local(child)
        if name in _OF_ITS_PLACE:
            root.remove(child)
        elif name == "scans":
            _choose_scans(child, scans or {})
            if not len(child):
                root.remove(child)
        elif name == "imageSession_ID":
            child.text = session
    _remove_below(root, _OF_THE_DATABASE)
    if anonymized:
        _remove_below(root, _IDENTIFYING)
        for element in root.iter():
            for name in _IDENTIFYING_ATTRIBUTES:
                element.attrib.pop(name, None)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _choose_scans(group: ET.Element, scans: Mapping[str, str]) -> None:
    for scan in list(group):
        there = scans.get(scan.get("ID", ""))
        if there is None:
            group.remove(scan)
        else:
            scan.set("ID", there)


def _remove_below(element: ET.Element, names: Iterable[str]) -> None:
    for child in list(element):
        if _local(child) in names:
            element.remove(child)
        else:
            _remove_below(child, names)


def _parsed(document: bytes) -> ET.Element:
    try:
        for _, (prefix, uri) in ET.iterparse(io.BytesIO(document), events=["start-ns"]):
            # Types are named by prefix in attributes, so that prefixes must stay as they are.
            if prefix and not prefix.startswith("ns"):
                ET.register_namespace(prefix, uri)
        root = ET.fromstring(document)
    except ET.ParseError as error:
        raise TransferError(f"the source's document cannot be read: {error}") from None
    if _local(root).lower() == "html":
        # A page may well be XML; the destination would be blamed for not knowing it.
        raise TransferError("the source answered with a web page instead of a document")
    return root


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]
