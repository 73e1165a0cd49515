"""What can be deleted below /data, so that nothing else is: servers match routes by their beginning
and take a path with a tail that they do not know for the object before it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias
from urllib.parse import unquote

Below: TypeAlias = "Mapping[str, Below] | None"
"""The collections below an object, with what is below their members; None: that is not looked at.
"""

_FILES: dict[str, Below] = dict.fromkeys(("resources", "files"))
_SHARES: dict[str, Below] = {"projects": {}}
# Of an assessor or reconstruction; not collections, so they have no members.
_SIDES: dict[str, Below] = {"in": _FILES, "out": _FILES}
_DERIVED: dict[str, Below] = {**_FILES, **_SHARES, **_SIDES}
_SESSION: dict[str, Below] = {
    **_FILES,
    **_SHARES,
    "scans": _FILES,
    "assessors": _DERIVED,
    "reconstructions": _DERIVED,
}
_SUBJECT: dict[str, Below] = {**_FILES, **_SHARES}
_SETTINGS = ("accessibility", "config", "groups", "pars", "pipelines", "searches", "users")
_PROJECT: dict[str, Below] = {
    **_FILES,
    **dict.fromkeys(_SETTINGS),
    "subjects": {**_SUBJECT, "experiments": _SESSION},
    # Only with the subject before it there are scans and files below a session.
    "experiments": {"resources": None, **_SHARES},
}
_TOP: dict[str, Below] = {"projects": _PROJECT, "subjects": _SUBJECT, "experiments": _SESSION}


_ARCHIVED = r"/(?:data|REST)/(?:archive/)?(?:projects|subjects|experiments)/"
_FILE = re.compile(rf"({_ARCHIVED}.+?/resources/[^/]+/files)/(.+)")
_SHARE = re.compile(r"(/.+/(?:subjects|experiments|assessors)/[^/]+)/projects/([^/]+)")


def file_of(path: str) -> tuple[str, str] | None:
    """The listing that the path of a file in the archive is in, and its name; none of a pattern."""
    found = _FILE.fullmatch(path.partition("?")[0])
    return (found[1], found[2]) if found and not found[2].endswith("*") else None


def share_of(path: str) -> tuple[str, str] | None:
    """What is shared, and the project that it is shared into, of the path of a share."""
    found = _SHARE.fullmatch(path.partition("?")[0].rstrip("/"))
    return (found[1], unquote(found[2])) if found else None


def aims_at_parent(path: str) -> bool:
    """Whether the server would take this path for that of an object before its end."""
    root, *words = path.partition("?")[0].strip("/").split("/")
    if root not in ("data", "REST"):
        return False
    words = words[words[:1] == ["archive"] :]
    if not words or words[0] not in _TOP:
        return False
    below: Below = _TOP
    place, collection = 0, ""
    while below is not None and place < len(words):
        collection = words[place]
        if collection not in below:
            return True
        below = below[collection]
        place += 1 if collection in _SIDES else 2
    if below is None:
        return False
    # Neither a side without its resources nor a share without its project is a thing of its own.
    return collection in _SIDES or (not below and place > len(words))
