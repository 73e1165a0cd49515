"""Where the files of this user are, the same on every platform; and the paths that users write.

A function for a place raises ConfigurationError when there is no home directory; who only reads
takes that for "no such file".
"""

from __future__ import annotations

import os
from pathlib import Path

from xnat_core.errors import ArgumentError, ConfigurationError, PathValidationError, ValidationError
from xnat_core.presence import exists


def config_dir() -> Path:
    """`$XDG_CONFIG_HOME/xnatctl`, else `~/.config/xnatctl`: profiles and sessions."""
    return _place("user_config_path", "XDG_CONFIG_HOME")


def config_file(given: str | Path | None = None) -> Path:
    """The YAML file with the profiles, unless another is given.

    Raises ConfigurationError also for what is no path.
    """
    if given is None:
        return config_dir() / "config.yaml"
    try:
        return expanded(given)
    except ValidationError as error:
        raise ConfigurationError(error.message, "config_path", error.value) from None


def session_file() -> Path:
    """The cache of logins."""
    return config_dir() / ".session"


def cache_dir() -> Path:
    """`$XDG_CACHE_HOME/xnatctl`, else `~/.cache/xnatctl`: what may be deleted at any time."""
    return _place("user_cache_path", "XDG_CACHE_HOME")


def state_dir() -> Path:
    """`$XDG_STATE_HOME/xnatctl`, else `~/.local/state/xnatctl`: journals of transfers."""
    return _place("user_state_path", "XDG_STATE_HOME")


def _place(name: str, variable: str) -> Path:
    # The documented paths are those of the XDG rules, on macOS and Windows as well.
    from platformdirs.unix import Unix

    try:
        path: Path = getattr(Unix("xnatctl", appauthor=False), name)
    except RuntimeError:
        path = Path()
    if not path.is_absolute():
        raise ConfigurationError(f"no home directory: set HOME or {variable}")
    return path


def expanded(text: str | Path) -> Path:
    """The path that somebody has written, `~` expanded where it means a home.

    Raises PathValidationError for no text at all, which Python takes for the current directory, and
    ArgumentError for what is no path.
    """
    if not isinstance(text, (str, os.PathLike)):
        raise ArgumentError(f"{text!r}: must be a path, not {type(text).__name__}", "path", text)
    if text == "":
        raise PathValidationError(repr(text), "no path is given")
    path = Path(text)
    try:
        return path.expanduser()
    except RuntimeError:
        # Nobody of that name: it will be told as a file that is not there.
        return path


def existing_folder(text: str | Path) -> Path:
    """The same for a folder that must be there. Raises PathValidationError."""
    path = expanded(text)
    if not path.is_dir():
        raise PathValidationError(path, "must be a directory" if exists(path) else "does not exist")
    return path
