"""What a session holds, and the XML document that says so."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from .dicom_types import OTHER_SESSION, SESSIONS

XNAT = "http://nrg.wustl.edu/xnat"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
ET.register_namespace("xnat", XNAT)
ET.register_namespace("xsi", XSI)

ROOTS = {
    "xnat:petmrSessionData": "PETMRSession",
    OTHER_SESSION: "OtherDicomSession",
    **{f"xnat:{stem}SessionData": f"{stem.upper()}Session" for stem in SESSIONS.values()},
}
TYPES = {root: xsi_type for xsi_type, root in ROOTS.items()}


@dataclass(frozen=True, slots=True)
class BuiltScan:
    """A series."""

    id: str
    uid: str
    xsi_type: str
    modality: str = ""
    series_description: str = ""
    frames: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class BuiltSession:
    """A study under the name of its session."""

    xsi_type: str
    label: str
    project: str
    subject: str
    uid: str
    date: str = ""
    time: str = ""
    modality: str = ""
    patient_id: str = ""
    patient_name: str = ""
    accession: str = ""
    manufacturer: str = ""
    model: str = ""
    scans: tuple[BuiltScan, ...] = ()

    def to_xml(self) -> bytes:
        """The session document."""
        root = ET.Element(f"{{{XNAT}}}{ROOTS.get(self.xsi_type, 'OtherDicomSession')}")
        attributes = {
            "ID": "",
            "project": self.project,
            "label": self.label,
            "modality": self.modality,
            "UID": self.uid,
        }
        root.attrib.update({k: v for k, v in attributes.items() if v or k == "ID"})
        for name, text in (("date", self.date), ("time", self.time)):
            _leaf(root, name, text)
        if self.manufacturer or self.model:
            scanner = ET.SubElement(root, f"{{{XNAT}}}scanner")
            scanner.attrib.update(manufacturer=self.manufacturer, model=self.model)
        _leaf(root, "dcmAccessionNumber", self.accession)
        _leaf(root, "dcmPatientId", self.patient_id)
        _leaf(root, "dcmPatientName", self.patient_name)
        _leaf(root, "subject_ID", self.subject)
        scans = ET.SubElement(root, f"{{{XNAT}}}scans")
        for scan in self.scans:
            _scan_element(scans, scan)
        ET.indent(root)
        return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))

    @classmethod
    def from_xml(cls, path: Path) -> BuiltSession:
        """The document that `to_xml` wrote."""
        root = ET.parse(path).getroot()
        scanner = root.find(f"{{{XNAT}}}scanner")
        made = {} if scanner is None else scanner.attrib
        return cls(
            xsi_type=TYPES.get(root.tag.rpartition("}")[2], OTHER_SESSION),
            label=root.get("label", ""),
            project=root.get("project", ""),
            subject=_text(root, "subject_ID"),
            uid=root.get("UID", ""),
            date=_text(root, "date"),
            time=_text(root, "time"),
            modality=root.get("modality", ""),
            patient_id=_text(root, "dcmPatientId"),
            patient_name=_text(root, "dcmPatientName"),
            accession=_text(root, "dcmAccessionNumber"),
            manufacturer=made.get("manufacturer", ""),
            model=made.get("model", ""),
            scans=tuple(
                _scan_of(element) for element in root.iterfind(f"{{{XNAT}}}scans/{{{XNAT}}}scan")
            ),
        )


def _scan_element(scans: ET.Element, scan: BuiltScan) -> None:
    element = ET.SubElement(scans, f"{{{XNAT}}}scan")
    attributes = {
        "ID": scan.id,
        "type": scan.series_description,
        "UID": scan.uid,
        f"{{{XSI}}}type": scan.xsi_type,
    }
    element.attrib.update({k: v for k, v in attributes.items() if v})
    _leaf(element, "series_description", scan.series_description)
    _leaf(element, "quality", "usable")
    _leaf(element, "frames", str(scan.frames))
    _leaf(element, "modality", scan.modality)
    catalog = ET.SubElement(element, f"{{{XNAT}}}file")
    catalog.attrib.update(
        {
            "label": "DICOM",
            "format": "DICOM",
            "content": "RAW",
            "URI": f"SCANS/{scan.id}/DICOM/scan_{scan.id}_catalog.xml",
            "file_count": str(scan.frames),
            "file_size": str(scan.bytes),
            f"{{{XSI}}}type": "xnat:resourceCatalog",
        }
    )


def _scan_of(element: ET.Element) -> BuiltScan:
    catalog = element.find(f"{{{XNAT}}}file")
    size = "0" if catalog is None else catalog.get("file_size", "0")
    return BuiltScan(
        id=element.get("ID", ""),
        uid=element.get("UID", ""),
        xsi_type=element.get(f"{{{XSI}}}type", ""),
        modality=_text(element, "modality"),
        series_description=_text(element, "series_description"),
        frames=int(_text(element, "frames") or 0),
        bytes=int(size),
    )


def _leaf(parent: ET.Element, name: str, text: str) -> None:
    if text:
        ET.SubElement(parent, f"{{{XNAT}}}{name}").text = text


def _text(parent: ET.Element, name: str) -> str:
    return parent.findtext(f"{{{XNAT}}}{name}") or ""
