"""The XML schemas, as far as the sandbox has the types: clients build their classes from them.

A type is written down as its base, its attributes and its elements:

    date:date                     a simple element
    scanner+manufacturer+model    text with attributes
    parameters(tr:float te:float) elements inside an element
    scans/scan:imageScanData      a list of items
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from werkzeug.wrappers import Request, Response

from .context import Context
from .datatypes import ASSESSOR_TYPES, SCAN_TYPES, SESSION_TYPES, SUBJECT_ASSESSOR_TYPES
from .responses import StatusError, json_body, text
from .routing import Routes

routes = Routes()

SIMPLE = ("string", "date", "time", "float", "integer", "boolean", "anyURI")


@dataclass(frozen=True, slots=True)
class Type:
    """A complex type."""

    name: str
    base: str = ""
    attributes: str = ""
    elements: str = ""
    element: str = ""
    """The element that a document of this type begins with."""
    label: str = ""
    """The field that people know the item by."""
    abstract: bool = False


_PROVENANCE = "investigator:investigatorData validation:validationData"
_RESOURCES = "resources/resource:abstractResource"
TYPES = (
    Type("abstractResource", "", "label note", "tags/tag", label="label", abstract=True),
    Type("resource", "abstractResource", "URI format description content cachePath"),
    Type("resourceCatalog", "resource", "file_count:integer file_size:integer"),
    Type("resourceSeries", "abstractResource", "path pattern format description content"),
    Type("investigatorData", "", "ID", "title firstname lastname institution department email"),
    Type("validationData", "", "status", "method date:date notes validated_by"),
    Type("abstractDemographicData", abstract=True),
    Type(
        "demographicData",
        "abstractDemographicData",
        elements=(
            "dob:date yob:integer age:integer gender handedness ses:integer education:integer"
            " educationDesc race ethnicity weight:float height:float gestational_age:float"
            " post_menstrual_age:float birth_weight:float"
        ),
    ),
    Type("abstractSubjectMetadata", abstract=True),
    Type("subjectMetadata", "abstractSubjectMetadata", elements="cohort"),
    Type("projectParticipant", "", "label project subject_ID group", label="project"),
    Type(
        "projectData",
        "",
        "ID secondary_ID active:boolean",
        f"name description keywords aliases/alias PI:investigatorData fields/field+name"
        f" investigators/investigator:investigatorData {_RESOURCES}",
        element="Project",
        label="ID",
    ),
    Type(
        "subjectData",
        "",
        "ID project group label src initials",
        f"sharing/share:projectParticipant {_RESOURCES} investigator:investigatorData"
        " demographics:abstractDemographicData metadata:abstractSubjectMetadata"
        " fields/field+name experiments/experiment:subjectAssessorData",
        element="Subject",
        label="label",
    ),
    Type(
        "experimentData",
        "",
        "ID project visit_id visit version:integer original protocol label",
        f"sharing/share+label+project+visit+protocol date:date time:time note {_PROVENANCE}"
        f" {_RESOURCES} fields/field+name acquisition_site",
        label="label",
    ),
    Type("subjectAssessorData", "experimentData", elements="subject_ID age:float", abstract=True),
    Type("derivedData", "experimentData", elements="provenance", abstract=True),
    Type(
        "imageSessionData",
        "subjectAssessorData",
        "modality UID",
        "scanner+manufacturer+model operator dcmAccessionNumber dcmPatientId dcmPatientName"
        " session_type prearchivePath scans/scan:imageScanData"
        " reconstructions/reconstructedImage:reconstructedImageData"
        " assessors/assessor:imageAssessorData",
        label="label",
        abstract=True,
    ),
    Type(
        "imageScanData",
        "",
        "ID type UID project",
        "image_session_ID note quality condition series_description series_class documentation"
        " scanner+manufacturer+model modality frames:integer operator startTime:time"
        " start_date:date fieldStrength coil scanTime sharing/share+label+project"
        " parameters(tr:float te:float ti:float flip:integer) validation:validationData"
        " file:abstractResource*",
        label="ID",
        abstract=True,
    ),
    Type(
        "reconstructedImageData",
        "",
        "ID type",
        "image_session_ID baseScanType in/file:abstractResource out/file:abstractResource",
        element="ReconstructedImage",
        label="ID",
    ),
    Type(
        "imageAssessorData",
        "derivedData",
        elements=(
            "in/file:abstractResource out/file:abstractResource imageSession_ID"
            " parameters/addParam+name"
        ),
        abstract=True,
    ),
)


def xnat_schema() -> str:
    """The schema of the namespace `xnat`."""
    own = {type.name for type in TYPES}
    types = [*TYPES]
    for table, base in (
        (SESSION_TYPES, "imageSessionData"),
        (SCAN_TYPES, "imageScanData"),
        (ASSESSOR_TYPES, "imageAssessorData"),
        (SUBJECT_ASSESSOR_TYPES, "subjectAssessorData"),
    ):
        for full, element in table.items():
            prefix, _, name = full.partition(":")
            if prefix == "xnat" and name not in own:
                types.append(Type(name, base, element=element))
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<xs:schema targetNamespace="http://nrg.wustl.edu/xnat"'
        ' xmlns:xnat="http://nrg.wustl.edu/xnat" xmlns:xdat="http://nrg.wustl.edu/xdat"'
        ' xmlns:xs="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified">'
    ]
    parts += [
        f'<xs:element name="{type.element}" type="xnat:{type.name}"/>'
        for type in types
        if type.element
    ]
    parts += [_complex_type(type) for type in types]
    return "\n".join([*parts, "</xs:schema>\n"])


XDAT_SCHEMA = """<?xml version="1.0" encoding="UTF-8"?>
<xs:schema targetNamespace="http://nrg.wustl.edu/xdat" xmlns:xdat="http://nrg.wustl.edu/xdat" \
xmlns:xs="http://www.w3.org/2001/XMLSchema">
<xs:complexType name="stored_search"><xs:attribute name="ID" type="xs:string"/></xs:complexType>
</xs:schema>
"""


@routes.xapi("/schemas")
def list_schemas(request: Request, context: Context) -> Response:
    """The names of the schemas."""
    return json_body(["xdat", "xnat"])


@routes.xapi("/schemas/{name:path}")
def get_schema(request: Request, context: Context, name: str) -> Response:
    """One schema."""
    found = {"xdat": lambda: XDAT_SCHEMA, "xnat": xnat_schema}.get(name)
    if found is None:
        raise StatusError(404)
    return text(found(), mimetype="application/xml")


def _complex_type(type: Type) -> str:
    inner = _sequence(type.elements) + "".join(map(_attribute, type.attributes.split()))
    if type.base:
        inner = (
            f'<xs:complexContent><xs:extension base="xnat:{type.base}">{inner}'
            "</xs:extension></xs:complexContent>"
        )
    note = _labelled(type.label, abstract=type.abstract)
    return f'<xs:complexType name="{type.name}">{note}{inner}</xs:complexType>'


def _labelled(label: str, *, abstract: bool = False) -> str:
    notes = f' displayIdentifiers="{label}"' if label else ""
    notes += ' abstract="true"' if abstract else ""
    if not notes:
        return ""
    return f"<xs:annotation><xs:appinfo><xdat:element{notes}/></xs:appinfo></xs:annotation>"


def _sequence(elements: str) -> str:
    # Spaces inside brackets belong to the element.
    parts = re.findall(r"[^\s(]+(?:\([^)]*\))?", elements)
    inner = "".join(map(_element, parts))
    return f"<xs:sequence>{inner}</xs:sequence>" if inner else ""


def _element(notation: str) -> str:
    outer, slash, inner = notation.partition("/")
    if slash and "(" not in outer:
        listed = _element(inner).replace(
            ' minOccurs="0"', ' minOccurs="0" maxOccurs="unbounded"', 1
        )
        if "+" in inner:
            # The members of such a list go by their first attribute.
            listed = listed.replace(">", f">{_labelled(inner.split('+')[1])}", 1)
        return _wrapped(outer, f"<xs:sequence>{listed}</xs:sequence>")
    if "(" in notation:
        name, _, inside = notation.rstrip(")").partition("(")
        return _wrapped(name, _sequence(inside))
    if "+" in notation:
        name, *attributes = notation.split("+")
        return _wrapped(
            name,
            '<xs:simpleContent><xs:extension base="xs:string">'
            + "".join(map(_attribute, attributes))
            + "</xs:extension></xs:simpleContent>",
        )
    name, _, type = notation.partition(":")
    many = ' maxOccurs="unbounded"' if notation.endswith("*") else ""
    return f'<xs:element name="{name}" type="{_type(type.rstrip("*"))}" minOccurs="0"{many}/>'


def _wrapped(name: str, content: str) -> str:
    inner = f"<xs:complexType>{content}</xs:complexType>"
    return f'<xs:element name="{name}" minOccurs="0">{inner}</xs:element>'


def _attribute(notation: str) -> str:
    name, _, type = notation.partition(":")
    return f'<xs:attribute name="{name}" type="{_type(type)}"/>'


def _type(name: str) -> str:
    if not name:
        return "xs:string"
    return f"xs:{name}" if name in SIMPLE else f"xnat:{name}"
