"""What the server says about itself, and its configuration."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from xnat_core.arguments import text
from xnat_core.errors import (
    OperationError,
    PermissionDeniedError,
    ResourceNotFoundError,
    ServerError,
    ValidationError,
    XNATCtlError,
)
from xnat_core.redaction import one_line
from xnat_core.urls import path

if TYPE_CHECKING:
    from xnat_core.client import XNATClient

PREARCHIVE = {"manual": 0, "auto-archive": 4, "auto-archive-overwrite": 5}
"""What a project does with data that arrives; the server stores other numbers as well."""

_BUILD = {"buildNumber": "build_number", "buildDate": "build_date", "sha": "revision"}


def server_info(client: XNATClient) -> dict[str, Any]:
    """URL, status, version, latency_ms, and of the build what is known. Needs no login.

    Raises NetworkError when the server does not answer.
    """
    facts = client.ping()
    try:
        build = client.request("GET", "/xapi/siteConfig/buildInfo", anonymous=True).json()
    except (XNATCtlError, ValueError):
        build = {}
    known = build if isinstance(build, dict) else {}
    named = {name: known.get(key) for key, name in _BUILD.items()}
    return {**facts, **{key: value for key, value in named.items() if value not in (None, "")}}


def site_config(client: XNATClient, key: str | None = None) -> Any:
    """The whole configuration as far as the user may read it, or one value of it.

    Raises ResourceNotFoundError for an unknown key.
    """
    if key is None:
        found = client.json(path("xapi", "siteConfig"), about=("site", "configuration"))
        if not isinstance(found, dict):
            raise OperationError("config", "the server does not answer with its configuration")
        return found
    about = ("setting", key)
    # Asked for alone, some texts come bare, and `123` could be a number. So it is looked for among
    # others, of which who is no administrator gets some.
    for where in (path("xapi", "siteConfig", "values", key), path("xapi", "siteConfig")):
        with suppress(
            ResourceNotFoundError, PermissionDeniedError, ServerError, KeyError, TypeError
        ):
            return client.json(where, about=about)[key]
    return client.value(path("xapi", "siteConfig", key), about=about)


def set_site_config(client: XNATClient, key: str, value: Any) -> Any:
    """Change one value of the configuration, read it back, and return what it was.

    A text is taken for what the present value is: `true` for a switch, `30` for a number.
    Raises ResourceNotFoundError for an unknown key, which the server would add; ValidationError for
    a value of the wrong type; OperationError when it was not stored.
    """
    was = site_config(client, text(key, "key"))
    wanted = like(key, was, value)
    if wanted != was:
        # As a map: a bare text could be taken for a number.
        client.post(path("xapi", "siteConfig"), json={key: wanted}, about=("setting", key))
        found = site_config(client, key)
        if found != wanted:
            raise OperationError("config", f"{key} is {found!r}, not {wanted!r}")
    return was


def like(key: str, present: Any, value: Any) -> Any:
    """The value as one of the type that the present one has. Raises ValidationError."""
    if not isinstance(value, str) or isinstance(present, str) or present is None:
        return value
    import json

    try:
        found = json.loads(value)
    except ValueError:
        found = None
    if isinstance(present, float) and type(found) is int:
        return float(found)
    if type(found) is not type(present):
        kind = {bool: "true or false", int: "a whole number", float: "a number"}
        wanted = kind.get(type(present), "JSON of the same kind")
        raise ValidationError(f"{key} is {present!r}: {value!r} is not {wanted}", key, value)
    return found


def prearchive_code(client: XNATClient, project: str) -> int:
    """What a project does with data that arrives, as a number. Raises ResourceNotFoundError."""
    where = path("data", "projects", project, "prearchive_code")
    text = client.text(where, about=("project", project))
    if not text:
        raise ResourceNotFoundError("prearchive setting of project", project)
    try:
        return int(text)
    except ValueError:
        said = f"project {project!r} has {one_line(text, 100)!r}, which is no number"
        raise OperationError("prearchive-setting", said) from None


def set_prearchive_code(client: XNATClient, project: str, code: int) -> None:
    """Change it and read it back. Raises OperationError when it was not stored."""
    if code not in PREARCHIVE.values():
        known = ", ".join(f"{code} ({name})" for name, code in PREARCHIVE.items())
        raise ValidationError(f"prearchive code {code}: must be one of {known}", "code", code)
    where = path("data", "projects", project, "prearchive_code", str(code))
    client.put(where, about=("project", project), repeatable=True)
    found = prearchive_code(client, project)
    if found != code:
        raise OperationError("prearchive-setting", f"project {project!r} has {found}, not {code}")
