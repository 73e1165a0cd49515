"""What the profile commands share: adding, finding and showing a profile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from xnat_core.auth import AuthManager
from xnat_core.config import Config, Profile
from xnat_core.errors import ConfigurationError
from xnat_core.models import ProfileEntry
from xnat_core.records import Record
from xnat_core.user_paths import config_file


@contextmanager
def changing() -> Iterator[Config]:
    """The configuration, for one process at a time, and written at the end unless that raises."""
    with AuthManager(config_file()).lock():
        config = Config.of_file()
        yield config
        config.save()


def entry(config: Config, name: str) -> Record:
    """The record of a profile, without its password."""
    profile = config.profiles[name]
    known = {key: value for key, value in profile.to_dict().items() if key != "password"}
    return ProfileEntry.from_row(
        known, name=name, default=name == config.default_profile
    ).to_record()


def add(config: Config, name: str, url: str, **settings: object) -> Profile:
    """Add or replace a profile; the first one becomes the default.

    Raises ConfigurationError for what cannot be a name, InvalidURLError.
    """
    if not name.strip() or name.startswith("-"):
        raise ConfigurationError(f"{name!r} cannot be the name of a profile", "name", name)
    first = not config.profiles
    config.add_profile(name, url, **settings)  # type: ignore[arg-type]  # read and checked by name
    if first:
        config.default_profile = name
    return config.profiles[name]


def known(config: Config, name: str) -> str:
    """The name, if a profile has it; raises ConfigurationError listing those that are there."""
    if not config.has_profile(name):
        names = ", ".join(config.profiles) or "none yet"
        raise ConfigurationError(f"profile {name!r} not found; there are: {names}", "profile", name)
    return name
