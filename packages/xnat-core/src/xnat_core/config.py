"""Profiles: which servers this user has, and how to speak with each.

The file is YAML, `config_file()`; see `Profile` for what a profile may say. Keys that this version
does not know are kept when the file is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from xnat_core.errors import ConfigurationError, ProfileNotFoundError, ValidationError
from xnat_core.private_files import write_private
from xnat_core.urls import server_url
from xnat_core.user_paths import config_file
from xnat_core.validation import (
    DEFAULT_TIMEOUT,
    LONGEST_TIMEOUT,
    MOST_WORKERS,
    validate_timeout,
)

OVERWRITE = ("none", "append", "delete")
ARCHIVE_MODES = ("tar", "zip", "gradual")


@dataclass
class Profile:
    """One server and the settings for it; `timeout` is in seconds.

    `ca_bundle` is a file or a directory of certificates to trust instead of the system's.
    """

    url: str
    verify_ssl: bool = True
    timeout: int = DEFAULT_TIMEOUT
    default_project: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    workers: int | None = None
    overwrite: str | None = None
    direct_archive: bool | None = None
    archive_mode: str | None = None
    extract: bool | None = None
    ca_bundle: str | None = None
    max_connections: int | None = None
    reason: str | None = None
    unknown: dict[str, Any] = field(default_factory=dict, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return what is set, the password included, as the file has it."""
        known = {name: getattr(self, name) for name in _CHECKS}
        return {key: value for key, value in known.items() if value is not None} | self.unknown

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Profile:
        """Read a mapping. Raises ConfigurationError with the `field` that is missing or wrong."""
        if not isinstance(data, Mapping):
            raise ConfigurationError("must be a mapping with at least a url", "url", data)
        if not data.get("url"):
            raise ConfigurationError("url is missing", "url")
        known = {
            name: _checked(name, value)
            for name, value in data.items()
            if name in _CHECKS and value is not None
        }
        unknown = {name: value for name, value in data.items() if name not in _CHECKS}
        return cls(**known, unknown=unknown)


@dataclass
class Config:
    """The configuration: a file, and perhaps what the environment says above it."""

    default_profile: str = "default"
    output_format: str = "table"
    profiles: dict[str, Profile] = field(default_factory=dict)
    unknown: dict[str, Any] = field(default_factory=dict, repr=False)
    _below: _Below | None = field(default=None, init=False, repr=False, compare=False)

    @classmethod
    def load(cls, config_path: Path | str | None = None) -> Config:
        """Read the file, with what the environment says above it.

        XNAT_URL is the profile `default`, and the default one; XNAT_PROFILE names another default.
        `save` leaves that out. Raises ConfigurationError naming the file or the variable, and the
        field where one is to blame.
        """
        from xnat_core.targets import Environment, profile_of_environment

        config, environment = cls.of_file(config_path), Environment.read()
        profile = profile_of_environment(config, environment)
        name = environment.profile or ("default" if profile else None)
        if name is None:
            return config
        profiles = config.profiles if profile is None else {**config.profiles, "default": profile}
        above = replace(config, default_profile=name, profiles=dict(profiles))
        above._below = _Below(config.default_profile, name, config.profiles, profile)
        return above

    @classmethod
    def of_file(cls, config_path: Path | str | None = None) -> Config:
        """Read the file alone; no file is an empty configuration.

        Raises ConfigurationError naming the file, and the field where one is to blame.
        """
        try:
            path = config_file(config_path)
        except ConfigurationError:
            if config_path is None:
                return cls()
            raise
        data = _read(path)
        try:
            return cls._from_dict(data)
        except ConfigurationError as error:
            raise ConfigurationError(f"{path}: {error.message}", error.field, error.value) from None

    @classmethod
    def _from_dict(cls, data: dict[str, Any]) -> Config:
        profiles = data.get("profiles") or {}
        if not isinstance(profiles, dict):
            raise ConfigurationError("profiles: must be a mapping of names", "profiles", profiles)
        known = {"default_profile", "active_profile", "output_format", "profiles"}
        return cls(
            default_profile=_text_of(data, "default_profile")
            or _text_of(data, "active_profile")
            or "default",
            output_format=_text_of(data, "output_format") or "table",
            profiles={str(name): _profile(str(name), entry) for name, entry in profiles.items()},
            unknown={key: value for key, value in data.items() if key not in known},
        )

    def save(self, config_path: Path | str | None = None) -> None:
        """Write the file, mode 0600, at once or not at all.

        A password is written only where the file had one for that profile, and then unchanged:
        passwords come into the file by an editor, never by a program. Raises ConfigurationError
        when the file cannot be written, and for what could not be read from it again.
        """
        import yaml

        path = config_file(config_path)
        before = self._passwords_of(path)
        default, profiles = self.default_profile, self.profiles
        if self._below is not None:
            default, profiles = self._below.own(default, profiles)
        for name, profile in profiles.items():
            # What is no profile would keep every tool from reading the file.
            _profile(_named(name), profile.to_dict() if isinstance(profile, Profile) else None)
        data: dict[str, Any] = {
            "default_profile": default,
            "output_format": self.output_format,
            "profiles": {
                name: _with_password(profile, before.get(name))
                for name, profile in profiles.items()
            },
        }
        text = yaml.safe_dump(data | self.unknown, sort_keys=False, allow_unicode=True)
        try:
            write_private(path, text.encode())
        except OSError as error:
            raise ConfigurationError(f"{path}: cannot be written: {error.strerror}") from error

    @classmethod
    def _passwords_of(cls, path: Path) -> dict[str, str | None]:
        return {name: profile.password for name, profile in cls.of_file(path).profiles.items()}

    def get_profile(self, name: str | None = None) -> Profile:
        """Return a profile, the default one without a name. Raises ProfileNotFoundError."""
        wanted = name or self.default_profile
        if wanted not in self.profiles:
            raise ProfileNotFoundError(wanted)
        return self.profiles[wanted]

    def has_profile(self, name: str) -> bool:
        """Tell whether there is a profile of that name."""
        return name in self.profiles

    def add_profile(
        self,
        name: str,
        url: str,
        verify_ssl: bool = True,
        timeout: int = DEFAULT_TIMEOUT,
        default_project: str | None = None,
    ) -> Profile:
        """Add or replace a profile and return it.

        Raises InvalidURLError for the URL, ConfigurationError for the rest (timeout in seconds).
        """
        profile = Profile(
            server_url(url),
            _checked("verify_ssl", verify_ssl),
            validate_timeout(timeout),
            _checked("default_project", default_project) if default_project else None,
        )
        self.profiles[_named(name)] = profile
        return profile

    def remove_profile(self, name: str) -> bool:
        """Remove a profile; False when there was none."""
        return self.profiles.pop(name, None) is not None

    def set_default_profile(self, name: str) -> None:
        """Make a profile the default one. Raises ProfileNotFoundError."""
        self.get_profile(name)
        self.default_profile = name
        if self._below is not None:
            self._below.default_profile = name


@dataclass
class _Below:
    """What the file says where the environment says something else: the default profile, and the
    profile `default`."""

    default_profile: str
    default_above: str
    profiles: dict[str, Profile]
    profile_above: Profile | None

    def own(self, default: str, profiles: dict[str, Profile]) -> tuple[str, dict[str, Profile]]:
        """The default profile and the profiles without what is still the environment's."""
        kept = {
            name: self.profiles.get(name) if profile is self.profile_above else profile
            for name, profile in profiles.items()
        }
        own = self.default_profile if default == self.default_above else default
        return own, {name: profile for name, profile in kept.items() if profile is not None}


def _read(path: Path) -> dict[str, Any]:
    try:
        raw = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    from xnat_core.yaml_text import NotYaml, load_yaml

    try:
        data = load_yaml(raw)
    except NotYaml as trouble:
        raise ConfigurationError(f"{path}: {trouble}") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigurationError(f"{path}: must be a mapping with default_profile and profiles")
    return data


def _profile(name: str, entry: object) -> Profile:
    where = f"profiles.{name}"
    if not isinstance(entry, dict):
        raise ConfigurationError(f"{where}: must be a mapping with at least a url", where)
    try:
        return Profile.from_dict({str(key): value for key, value in entry.items()})
    except ConfigurationError as error:
        raise ConfigurationError(
            f"{where}.{error.message}", f"{where}.{error.field}", error.value
        ) from None


def _named(name: object) -> str:
    if not isinstance(name, str) or not name:
        raise ConfigurationError(f"profile name must be text, not {name!r}", "profiles", name)
    return name


def _with_password(profile: Profile, before: str | None) -> dict[str, Any]:
    data = profile.to_dict()
    if before is None:
        data.pop("password", None)
    elif profile.password is not None:
        data["password"] = before
    return data


def _text_of(data: dict[str, Any], key: str) -> str | None:
    value = data.get(key)
    return None if value is None else str(_checked(key, value, _text))


def _checked(name: str, value: object, check: Callable[[object], Any] | None = None) -> Any:
    """Return the value as it is to be used, or raise ConfigurationError naming the field."""
    try:
        return (check or _CHECKS[name])(value)
    except (ValidationError, ConfigurationError, _Wrong) as error:
        shown = None if name == "password" else value
        raise ConfigurationError(f"{name}: {error}", name, shown) from None


class _Wrong(Exception):
    """What a value should have been."""


def _text(value: object) -> str:
    if not isinstance(value, str):
        # YAML reads 12345 as a number and `yes` as true.
        raise _Wrong("must be text; put it in quotes")
    return value


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise _Wrong(f"must be true or false, not {value!r}")
    return value


def _whole(most: int) -> Callable[[object], int]:
    def check(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            raise _Wrong(f"must be a whole number from 1 to {most}, not {value!r}")
        return value

    return check


def _one_of(*choices: str) -> Callable[[object], str]:
    def check(value: object) -> str:
        if value not in choices:
            raise _Wrong(f"must be one of {', '.join(choices)}, not {value!r}")
        return str(value)

    return check


_CHECKS: dict[str, Callable[[object], Any]] = {
    "url": lambda value: server_url(_text(value)),
    "verify_ssl": _boolean,
    "timeout": _whole(LONGEST_TIMEOUT),
    "default_project": _text,
    "username": _text,
    "password": _text,
    "workers": _whole(MOST_WORKERS),
    "overwrite": _one_of(*OVERWRITE),
    "direct_archive": _boolean,
    "archive_mode": _one_of(*ARCHIVE_MODES),
    "extract": _boolean,
    "ca_bundle": _text,
    "max_connections": _whole(1000),
    "reason": _text,
}
assert set(_CHECKS) == {spec.name for spec in fields(Profile)} - {"unknown"}
