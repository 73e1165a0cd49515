"""Fields of projects, subjects, sessions and scans: what they are called, set and read back.

The server ignores what it does not understand and says yes. So names are checked before, and the
document is compared afterwards.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from xnat_core.errors import OperationError, ResourceNotFoundError, UsageError, ValidationError
from xnat_core.models import Model, Project, Session, Subject
from xnat_core.services.base import document, require_not_remade, same
from xnat_core.services.lookup import find_subject, session_of_item, subject_of_item
from xnat_core.services.projects import ACCESSIBILITY, ProjectService, project_of_item
from xnat_core.services.routes import require_own_route
from xnat_core.services.scans import QUALITIES, scan_item, scan_of_item
from xnat_core.services.sessions import session_path
from xnat_core.services.subjects import subject_path
from xnat_core.services.unshown import not_shown
from xnat_core.urls import path
from xnat_edit.objects import session_of, session_of_scan, subject_of

if TYPE_CHECKING:
    from xnat_core.client import XNATClient
    from xnat_core.records import Record

_PI = "pi_firstname pi_lastname"
_VALIDATION = "validation_method validation_status validation_date validation_notes"
_MACHINE = "scanner modality UID coil fieldStrength"
ALIASES = {
    "project": f"name description secondary_ID keywords alias note accessibility {_PI}".split(),
    "subject": (
        f"group src dob yob age gender handedness ses education educationDesc race ethnicity weight"
        f" height gestational_age post_menstrual_age birth_weight {_PI}"
    ).split(),
    "session": (
        f"visit_id visit protocol date time note operator dcmAccessionNumber dcmPatientId"
        f" dcmPatientName session_type studyInstanceUID marker stabilization studyType patientID"
        f" patientName scan_start_time injection_start_time tracer_name tracer_startTime"
        f" tracer_dose tracer_isotope {_PI} {_VALIDATION} {_MACHINE}"
    ).split(),
    "scan": (
        f"type note quality condition series_description documentation frames scanTime startTime"
        f" {_VALIDATION} {_MACHINE}"
    ).split(),
}
"""The short names that the server has for fields of each kind."""

# Where a short name is not the end of the path that it stands for.
_ENDS = {
    "studyInstanceUID": "UID",
    "scan_start_time": "start_time_scan",
    "injection_start_time": "start_time_injection",
    **{name: name.replace("_", "/") for name in _VALIDATION.split()},
    **{f"tracer_{name}": f"tracer/{name}" for name in ("name", "startTime", "dose", "isotope")},
}
# What these parts of a document have is theirs: the date of a validation is not that of a session.
_PARTS = ("validation/", "investigator/", "investigators/", "pi/", "tracer/")
_IDENTITY = ("ID", "label", "project", "subject_ID", "subject", "session", "id")
_NESTED = (
    *("scans/scan", "assessors/assessor", "experiments/experiment", "sharing/share", "file"),
    *("resources/resource", "reconstructions/reconstructedImage"),
)
_CUSTOM = re.compile(r"fields\.([^\[\]/=]+)")


@dataclass(frozen=True)
class Pair:
    """A field and the value it shall have; `path` is below the type, for a short name None."""

    key: str
    value: str
    path: str | None = None
    prefix: str | None = None


def pair_of(text: str) -> Pair:
    """`KEY=VALUE`, split at the first sign outside brackets. Raises UsageError."""
    found = re.fullmatch(r"((?:[^=\[\]]|\[[^\]]*\])+)=(.*)", text, re.DOTALL)
    if found is None:
        raise UsageError(f"{text!r}: must be KEY=VALUE")
    key, value = found[1].strip(), found[2]
    if custom := _CUSTOM.fullmatch(key):
        return Pair(key, value, f"fields/field[name={custom[1]}]/field")
    if "/" not in key:
        if key in _IDENTITY:
            raise UsageError(f"{key} cannot be set: 'xnat-edit rename', 'move' and 'share' do that")
        return Pair(key, value)
    root, _, rest = key.partition("/")
    if ":" in root:
        _require_path(rest, key)
        return Pair(key, value, rest, root)
    _require_path(key, key)
    return Pair(key, value, key)


@dataclass(frozen=True)
class Editable:
    """An object with its document, and the route that changes it; a scan with its session."""

    found: Model
    where: str
    item: dict[str, Any]
    session: Session | None = None

    @classmethod
    def of(cls, client: XNATClient, record: Record) -> Editable:
        """As the server has it now. Raises ResourceNotFoundError: a request for what is not there
        would make it."""
        kind = record["kind"]
        if kind == "project":
            service, id = ProjectService(client), str(record.get("id") or "")
            item = service.item(id)
            project = service.described(project_of_item(item, id))
            return cls(project, path("data", "projects", project.id), item)
        if kind == "subject":
            subject = subject_of(client, record, own=False)
            require_own_route(client, subject_path(subject))
            return cls._at(client, subject, subject_path(subject))
        if kind == "session":
            session = session_of(client, record, own=False)
            require_own_route(client, session_path(session))
            return cls._of_session(client, session)
        session = session_of_scan(client, record, own=False)
        item = scan_item(client, session, str(record.get("id") or ""))
        scan = scan_of_item(item, session)
        return cls(scan, str(scan.uri), item, session)

    @classmethod
    def _of_session(cls, client: XNATClient, session: Session) -> Editable:
        """Raises ValidationError where the server might make the subject that the route names."""
        try:
            return cls._at(client, session, session_path(session))
        except ResourceNotFoundError:
            subject = find_subject(client, str(session.subject_id))
            raise not_shown(session, subject, "nothing can be set before") from None

    @classmethod
    def _at(
        cls, client: XNATClient, found: Model, where: str, session: Session | None = None
    ) -> Editable:
        about = (found.kind, _name(found))
        item = document(client, where, about)
        if item is None:
            raise ResourceNotFoundError(*about)
        return cls(found, where, item, session)

    def again(self, client: XNATClient) -> Editable:
        """The same object with the document that its route has now."""
        return self._at(client, self.found, self.where, self.session)

    @property
    def xsi_type(self) -> str:
        """Its data type, which is the beginning of all paths."""
        return str((self.item.get("meta") or {}).get("xsi:type") or _TYPES.get(self.found.kind, ""))

    def check(self, pair: Pair) -> None:
        """Raise ValidationError for a name or a value that this kind does not have."""
        kind = self.found.kind
        if pair.prefix is not None and pair.prefix.lower() != self.xsi_type.lower():
            raise ValidationError(
                f"{kind} {_name(self.found)!r} is of type {self.xsi_type}: the server would ignore "
                f"{pair.key}",
                pair.key,
            )
        if pair.path is None and pair.key not in ALIASES[kind]:
            near = difflib.get_close_matches(pair.key, ALIASES[kind], n=1)
            hint = f"; did you mean {near[0]}?" if near else f": {', '.join(ALIASES[kind])}"
            raise ValidationError(
                f"a {kind} has no field {pair.key}{hint} (others by their path: {self.xsi_type}/…)",
                pair.key,
            )
        words = {"quality": QUALITIES, "accessibility": ACCESSIBILITY}.get(pair.key, ())
        if words and pair.value not in words:
            path_of_it = f"; {self.xsi_type}/quality takes any" if pair.key == "quality" else ""
            raise ValidationError(
                f"{pair.key} {pair.value!r}: must be one of {', '.join(words)}{path_of_it}",
                pair.key,
            )

    def stored(self, pair: Pair) -> list[Any]:
        """The values that the document has for a field; none when it has none."""
        if pair.key == "accessibility":
            return [getattr(self.found, "accessibility", None)]
        leaves = _leaves(self.item)
        if pair.path is not None:
            wanted = re.sub(r"\[@xsi:type=[^\]]*\]", "", pair.path).lower()
            return leaves.get(wanted, [])
        if pair.key.lower() in leaves:
            return leaves[pair.key.lower()]
        end = self._end(pair.key).lower()
        if end.startswith(_PARTS):
            return leaves.get(end, [])
        return [
            value
            for key, found in leaves.items()
            if f"/{key}".endswith(f"/{end}") and not key.startswith(_PARTS)
            for value in found
        ]

    def _end(self, name: str) -> str:
        """The end of the path that a short name stands for."""
        if name.startswith("pi_"):
            person = "PI" if self.found.kind == "project" else "investigator"
            return f"{person}/{name.removeprefix('pi_')}"
        return _ENDS.get(name, name)

    def has(self, pair: Pair, *, exactly: bool = False) -> bool:
        """Whether the field has the value; an empty one is that of an absent field."""
        found = self.stored(pair) or [None]
        return any(same(value, pair.value, exactly=exactly) for value in found)


def store(client: XNATClient, edited: Editable, pairs: list[Pair]) -> Editable:
    """Set fields and read them back. Raises OperationError naming what was not stored."""
    where, about = edited.where, (edited.found.kind, _name(edited.found))
    rest = [pair for pair in pairs if pair.key != "accessibility"]
    for pair in pairs:
        if pair.key == "accessibility" and isinstance(edited.found, Project):
            ProjectService(client).set_accessibility(edited.found.id, pair.value)
            edited = replace(edited, found=replace(edited.found, accessibility=pair.value))
    if rest:
        params = {_key(edited, pair): pair.value for pair in rest}
        typed = {"xsiType": edited.xsi_type} if about[0] in ("session", "scan") else {}
        client.put(where, params={**typed, **params}, about=about, repeatable=True)
    now = edited.again(client)
    require_not_remade(edited.item, now.item, about)
    missed = [pair for pair in pairs if not now.has(pair)]
    short = {f"xnat:imageScanData/{pair.key}": pair.value for pair in missed if not pair.path}
    if short and about[0] == "scan":
        # Some types of scans take only the path of the type that they all come from.
        client.put(where, params={"xsiType": edited.xsi_type, **short}, about=about)
        now = edited.again(client)
        missed = [pair for pair in pairs if not now.has(pair)]
    if missed:
        said = "; ".join(
            f"{pair.key} is {_shown(now.stored(pair))}, not {pair.value!r}" for pair in missed
        )
        raise OperationError("set", f"{about[0]} {about[1]!r}: the server said yes, but {said}")
    return now


def updated(edited: Editable) -> Model:
    """The object as its document has it."""
    found, item = edited.found, edited.item
    if isinstance(found, Session):
        return session_of_item(item, found.project)
    if isinstance(found, Subject):
        return subject_of_item(item, found.project)
    if isinstance(found, Project):
        now = project_of_item(item, found.id)
        counts = {key: getattr(found, key) for key in ("subject_count", "session_count")}
        return replace(now, accessibility=found.accessibility or now.accessibility, **counts)
    return scan_of_item(item, edited.session) if edited.session else found


_TYPES = {"project": "xnat:projectData", "subject": "xnat:subjectData"}


def _key(edited: Editable, pair: Pair) -> str:
    return pair.key if pair.path is None else f"{edited.xsi_type}/{pair.path}"


def _leaves(item: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The values of a document and of its parts by their path in small letters; not those of the
    objects below it."""
    leaves: dict[str, list[Any]] = {
        key.lower(): [value] for key, value in (item.get("data_fields") or {}).items()
    }
    for group in item.get("children") or ():
        field = str(group.get("field"))
        if field in _NESTED:
            continue
        for child in group.get("items") or ():
            values = child.get("data_fields") or {}
            if field == "fields/field":
                key = f"fields/field[name={values.get('name')}]/field"
                leaves.setdefault(key.lower(), []).append(values.get("field"))
                continue
            for name, value in values.items():
                leaves.setdefault(f"{field}/{name}".lower(), []).append(value)
    return leaves


def _require_path(text: str, key: str) -> None:
    plain = re.sub(r"\[[^\]]*\]", "", text)
    if not re.fullmatch(r"[\w.:@-]+(/[\w.:@-]+)*", plain) or ".." in plain:
        raise UsageError(f"{key!r} is no path of a field")
    if plain in _IDENTITY:
        raise UsageError(f"{key} cannot be set: 'xnat-edit rename', 'move' and 'share' do that")


def _shown(values: list[Any]) -> str:
    return ", ".join(map(repr, values)) or "empty"


def _name(found: Model) -> str:
    return str(getattr(found, "label", None) or getattr(found, "id", ""))
