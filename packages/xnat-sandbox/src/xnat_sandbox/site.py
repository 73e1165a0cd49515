"""What the site says about itself: version, configuration, plugins, anonymisation scripts."""

from __future__ import annotations

import json
import re
import time
from typing import Any

from werkzeug.wrappers import Request, Response

from .context import Context
from .responses import StatusError, empty, json_body, text
from .routing import Routes
from .settings import Settings

routes = Routes()

OPEN = ("siteHome", "siteId", "siteLogoPath", "siteUrl")
# What every user may read beside the open ones.
SHARED = frozenset(
    {
        *OPEN,
        *("siteDescriptionType", "siteDescriptionText", "sessionTimeout", "requireLogin"),
        *("uiAllowNonAdminProjectCreation", "uiDefaultCompressedUploaderImporter"),
        *("defaultProjectAutoArchiveSetting", "checksums", "zipCompressionMethod"),
        *("securityAllowNonPrivateProjects", "enableDicomReceiver", "projectAllowAutoArchive"),
    }
)
_started = time.time()


def build_info(settings: Settings) -> dict[str, str]:
    """What the build says about itself."""
    return {
        "version": settings.version,
        "buildNumber": "1042",
        "buildDate": "Thu Feb 22 11:02:31 CST 2024",
        "sha": "5d8f1c2",
        "isDirty": "false",
        "timestamp": "1708621351000",
        "hostName": "xnat-sandbox",
    }


@routes.xapi("/siteConfig/buildInfo", open=True)
def get_build_info(request: Request, context: Context) -> Response:
    """Version and build."""
    return json_body(build_info(context.settings))


@routes.xapi("/siteConfig/buildInfo/{key}", open=True)
def get_build_item(request: Request, context: Context, key: str) -> Response:
    """One item of it, bare."""
    info = build_info(context.settings)
    if key not in info:
        raise StatusError(404)
    return text(info[key])


@routes.xapi("/siteConfig/uptime")
def uptime(request: Request, context: Context) -> Response:
    """How long the server runs."""
    minutes, seconds = divmod(int(time.time() - _started), 60)
    hours, minutes = divmod(minutes, 60)
    parts = {"days": hours // 24, "hours": hours % 24, "minutes": minutes, "seconds": seconds}
    return json_body({name: str(value) for name, value in parts.items()})


@routes.xapi("/siteConfig/uptime/display")
def uptime_text(request: Request, context: Context) -> Response:
    """The same in words."""
    return text(f"{int(time.time() - _started)} seconds")


@routes.xapi("/siteConfig")
def get_all(request: Request, context: Context) -> Response:
    """The configuration, all of it for administrators."""
    values = context.store.preferences.all()
    return json_body({key: values[key] for key in values if _readable(context, key)})


@routes.xapi("/siteConfig", methods=("POST",))
def set_all(request: Request, context: Context) -> Response:
    """Set several preferences."""
    context.require_admin()
    values = request.get_json(silent=True)
    if not isinstance(values, dict):
        raise StatusError(400)
    for key, value in values.items():
        _set(context, key, value)
    return empty()


@routes.xapi("/siteConfig/values/{keys}")
def get_values(request: Request, context: Context, keys: str) -> Response:
    """Several preferences by name."""
    return json_body({key: _value(context, key) for key in keys.split(",")})


@routes.xapi(*(f"/siteConfig/{key}" for key in OPEN), open=True)
def get_open(request: Request, context: Context) -> Response:
    """What anybody may know, bare."""
    return text(str(context.store.preferences.get(request.path.rpartition("/")[2])))


@routes.xapi("/siteConfig/{key}")
def get_one(request: Request, context: Context, key: str) -> Response:
    """One preference."""
    return json_body(_value(context, key))


@routes.xapi("/siteConfig/{key}", *(f"/siteConfig/{key}" for key in OPEN), methods=("POST",))
def set_one(request: Request, context: Context, key: str = "") -> Response:
    """Set one preference; the value is JSON or bare text."""
    context.require_admin()
    body = request.get_data(as_text=True)
    try:
        value = json.loads(body)
    except ValueError:
        value = body
    _set(context, key or request.path.rpartition("/")[2], value)
    return empty()


@routes.xapi("/plugins")
def plugins(request: Request, context: Context) -> Response:
    """The plugins by id."""
    found = {}
    if context.settings.containers:
        found["containers"] = {
            "id": "containers",
            "name": "containers",
            "version": "3.7.1",
            "beanName": "containersPlugin",
        }
    return json_body(found)


def _readable(context: Context, key: str) -> bool:
    return key in SHARED or context.caller.is_admin


def _value(context: Context, key: str) -> Any:
    try:
        value = context.store.preferences.get(key)
    except KeyError as error:
        raise StatusError(404) from error
    context.require(_readable(context, key))
    return value


def _set(context: Context, key: str, value: Any) -> None:
    context.store.preferences.set(key, value)
    if key == "sessionTimeout":
        found = re.match(r"(\d+)\s*(second|minute|hour)", str(value))
        if found:
            unit = {"second": 1, "minute": 60, "hour": 3600}[found[2]]
            context.app.sessions.timeout = int(found[1]) * unit


# Anonymisation scripts. They are kept and shown; what happens to DICOM is `Settings.anonymize`.

DEFAULT_SCRIPT = 'version "6.3"\n'
ANONYMIZE = "anonymize"


@routes.xapi("/anonymize/default")
def default_script(request: Request, context: Context) -> Response:
    """The script a new site starts with."""
    return text(DEFAULT_SCRIPT)


@routes.xapi("/anonymize/site", "/anonymize/projects/{project}")
def get_script(request: Request, context: Context, project: str = "") -> Response:
    """The script of the site or a project; 204 when a project has none in force."""
    _existing(context, project)
    found = context.store.tools.latest(project, ANONYMIZE, "script")
    if project and (found is None or found.status != "enabled"):
        return Response(status=204)
    return text(found.contents if found else DEFAULT_SCRIPT)


@routes.xapi("/anonymize/site", "/anonymize/projects/{project}", methods=("PUT",))
def put_script(request: Request, context: Context, project: str = "") -> Response:
    """Set a script."""
    _editable(context, project)
    body = request.get_data(as_text=True)
    context.store.tools.put(project, ANONYMIZE, "script", body, user=context.login)
    return empty()


@routes.xapi("/anonymize/site/enabled", "/anonymize/projects/{project}/enabled")
def get_enabled(request: Request, context: Context, project: str = "") -> Response:
    """Whether the script is in force."""
    _existing(context, project)
    if not project:
        return json_body(context.store.preferences.get("enableSitewideAnonymizationScript"))
    found = context.store.tools.latest(project, ANONYMIZE, "script")
    return json_body(found is not None and found.status == "enabled")


@routes.xapi("/anonymize/site/enabled", "/anonymize/projects/{project}/enabled", methods=("PUT",))
def put_enabled(request: Request, context: Context, project: str = "") -> Response:
    """Put the script in force or out of it, by `?enable=`."""
    if not request.is_json:
        raise StatusError(415)
    _editable(context, project)
    enable = context.parameters.get("enable", default="true").lower() == "true"
    if not project:
        context.store.preferences.set("enableSitewideAnonymizationScript", enable)
        return empty()
    found = context.store.tools.latest(project, ANONYMIZE, "script")
    context.store.tools.put(
        project,
        ANONYMIZE,
        "script",
        found.contents if found else "",
        user=context.login,
        status="enabled" if enable else "disabled",
    )
    return empty()


def _existing(context: Context, project: str) -> None:
    if project and context.store.items.project(project) is None:
        raise StatusError(500, "java.lang.NullPointerException")


def _editable(context: Context, project: str) -> None:
    _existing(context, project)
    allowed = context.caller.may("delete", project) if project else context.caller.is_admin
    context.require(allowed)
