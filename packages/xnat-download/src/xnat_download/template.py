"""`--layout`: other names for other eyes. The template decides every file's path below OUT."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping

from xnat_core.errors import UsageError
from xnat_download.places import Place

FIELDS = (
    *("project", "subject", "session", "session_id", "scan", "type", "series"),
    *("assessor", "resource", "path", "name"),
)
DETAILS = frozenset({"type", "series"})
"""Fields that only the list of scans tells."""

_UNFIT = re.compile(r"[^\w.+-]+")
_JOINTS = "-_. "


class Template:
    """`{project}/{subject}/{session}/{scan}-{type}/{name}`, checked.

    A field without a value leaves nothing behind, nor do the dashes beside it; a folder of which
    nothing is left is left out. Characters of a value that a file name should not have become `_`;
    only `{path}` keeps its slashes and all its characters.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._folders = text.split("/")
        for part in self._folders:
            if part in ("", ".", ".."):
                raise UsageError(f"--layout {text}: must be relative, without empty or dot parts")
        self.fields = frozenset(_fields(text))
        if not {"name", "path"} & set(_fields(self._folders[-1])):
            raise UsageError(f"--layout {text}: must end in {{name}} or {{path}}")

    def destination(
        self, place: Place, label: str, path: str, details: Mapping[str, str | None]
    ) -> str:
        """Where a file goes; `details` are type and series description of its scan."""
        values = self._values(place, label, details)
        values.update(path=path, name=path.rpartition("/")[2])
        return "/".join(_filled(part, values) for part in self._folders if _filled(part, values))

    def session_folder(self, place: Place) -> str:
        """The folder whose files are all of one session; OUT itself, "", if there is no such."""
        values = self._values(place, "", {})
        for end, part in enumerate(self._folders[:-1], 1):
            if {"session", "session_id"} & set(_fields(part)):
                if place.session is None and place.session_id is None:
                    return ""
                named = (_filled(part, values) for part in self._folders[:end])
                return "/".join(part for part in named if part)
            if {"scan", "type", "series", "resource", "assessor"} & set(_fields(part)):
                return ""
        return ""

    def _values(
        self, place: Place, label: str, details: Mapping[str, str | None]
    ) -> dict[str, str | None]:
        facts = place.facts()
        session = place.folder or place.session or place.session_id
        return {
            "project": facts["project"],
            "subject": facts["subject"] or facts["subject_id"],
            "session": session,
            "session_id": facts["session_id"],
            "scan": place.scan,
            "type": details.get("type"),
            "series": details.get("series"),
            "assessor": place.owner if place.level == "assessor" else None,
            "resource": label,
        }


def _fields(text: str) -> list[str]:
    try:
        parsed = list(string.Formatter().parse(text))
    except ValueError as error:
        raise UsageError(f"--layout {text}: {error}") from None
    names = [name for _, name, _, _ in parsed if name is not None]
    for name in names:
        if name not in FIELDS:
            known = ", ".join(FIELDS)
            raise UsageError(f"--layout {text}: unknown field {{{name}}}; there are {known}")
    if any(spec or conversion for _, _, spec, conversion in parsed):
        raise UsageError(f"--layout {text}: a field is its name in braces and nothing more")
    return names


def _filled(part: str, values: Mapping[str, str | None]) -> str:
    text, lacks = "", False
    for literal, name, _, _ in string.Formatter().parse(part):
        text += literal.lstrip(_JOINTS) if lacks and not text else literal
        lacks = False
        if name is None:
            continue
        value = values.get(name) or ""
        if name not in ("path", "name"):
            value = _UNFIT.sub("_", value)
        if not value:
            text, lacks = text.rstrip(_JOINTS), True
        text += value
    return text
