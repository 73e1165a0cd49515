"""The server itself, its users, and the profiles that lead to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from xnat_core.models.base import Fact, Model


@dataclass(frozen=True)
class Server(Model):
    """A server that was spoken with."""

    kind: ClassVar[str] = "server"
    columns: ClassVar[tuple[str, ...]] = ("url", "status", "version", "latency_ms", "authenticated")

    url: Annotated[str, Fact("Base URL")] = ""
    status: Annotated[str | None, Fact("`ok` when it answered")] = None
    version: Annotated[str | None, Fact("XNAT version")] = None
    latency_ms: Annotated[float | None, Fact("Time to the answer in milliseconds")] = None
    authenticated: Annotated[bool | None, Fact("Whether the login was accepted")] = None


@dataclass(frozen=True)
class User(Model):
    """A user of a server."""

    kind: ClassVar[str] = "user"
    columns: ClassVar[tuple[str, ...]] = ("username", "firstname", "lastname", "email", "enabled")

    username: Annotated[str, Fact("Login name", names=("login",))] = ""
    firstname: Annotated[str | None, Fact("First name")] = None
    lastname: Annotated[str | None, Fact("Last name")] = None
    email: Annotated[str | None, Fact("E-mail address")] = None
    enabled: Annotated[bool | None, Fact("Whether the account may log in")] = None
    verified: Annotated[bool | None, Fact("Whether the e-mail address was verified")] = None
    groups: Annotated[tuple[str, ...], Fact("Groups, e.g. `P1_owner`")] = ()
    projects: Annotated[tuple[str, ...], Fact("Projects the user can reach")] = ()
    profile: Annotated[str | None, Fact("Profile that was used")] = None
    default_project: Annotated[str | None, Fact("Default project of that profile")] = None
    auth_mode: Annotated[str | None, Fact("`session` or `basic`")] = None


@dataclass(frozen=True)
class Event(Model):
    """A change that the server has noted."""

    kind: ClassVar[str] = "event"
    columns: ClassVar[tuple[str, ...]] = ("timestamp", "user", "action", "resource", "project")

    id: Annotated[str | None, Fact("Number of the event")] = None
    label: Annotated[str | None, Fact("Label of what was changed")] = None
    project: Annotated[str | None, Fact("Project")] = None
    timestamp: Annotated[
        str | None, Fact("When; exact with a zone, otherwise in the zone of the server")
    ] = None
    user: Annotated[str | None, Fact("Who")] = None
    action: Annotated[str | None, Fact("What was done")] = None
    item: Annotated[str | None, Fact("ID of what was changed", key="resource")] = None
    data_type: Annotated[str | None, Fact("Data type of what was changed")] = None
    status: Annotated[str | None, Fact("`Complete`, `Failed` …")] = None
    reason: Annotated[str | None, Fact("Reason that was given")] = None


@dataclass(frozen=True)
class Setting(Model):
    """A value of the site configuration."""

    kind: ClassVar[str] = "setting"
    columns: ClassVar[tuple[str, ...]] = ("id", "value")

    id: Annotated[str, Fact("Key")] = ""
    value: Annotated[str | None, Fact("Value: text, number, true or false, list, object")] = None


@dataclass(frozen=True)
class ProfileEntry(Model):
    """A profile of the configuration file; never its password."""

    kind: ClassVar[str] = "profile"
    columns: ClassVar[tuple[str, ...]] = ("name", "url", "default_project", "default")

    name: Annotated[str, Fact("Name of the profile")] = ""
    url: Annotated[str | None, Fact("Base URL of its server")] = None
    default: Annotated[bool | None, Fact("Whether it is used when none is named")] = None
    default_project: Annotated[str | None, Fact("Project used when none is named")] = None
    username: Annotated[str | None, Fact("Login name")] = None
    verify_ssl: Annotated[bool | None, Fact("Whether certificates are checked")] = None
    ca_bundle: Annotated[str | None, Fact("File of private certificate authorities")] = None
    timeout: Annotated[int | None, Fact("Seconds to wait for a slow answer")] = None
    workers: Annotated[int | None, Fact("Default of `--workers`")] = None
    overwrite: Annotated[str | None, Fact("Default of `--overwrite`")] = None
    direct_archive: Annotated[bool | None, Fact("Default of `--direct-archive`")] = None
    archive_mode: Annotated[str | None, Fact("Default of `--mode`")] = None
    extract: Annotated[bool | None, Fact("Default of `--extract`")] = None
    max_connections: Annotated[int | None, Fact("Default of `--max-connections`")] = None
    reason: Annotated[str | None, Fact("Default of `--reason`")] = None
