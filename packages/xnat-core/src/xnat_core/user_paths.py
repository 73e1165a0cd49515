"""Where the files of this user are, the same on every platform.

A function raises ConfigurationError when there is no home directory to put them in; who only reads
takes that for "no such file".
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from xnat_core.errors import ConfigurationError

if TYPE_CHECKING:
    from platformdirs.unix import Unix


def config_dir() -> Path:
    """`$XDG_CONFIG_HOME/xnatctl`, else `~/.config/xnatctl`: profiles and sessions."""
    return _absolute(_places().user_config_path, "XDG_CONFIG_HOME")


def config_file() -> Path:
    """The YAML file with the profiles."""
    return config_dir() / "config.yaml"


def session_file() -> Path:
    """The cache of logins."""
    return config_dir() / ".session"


def cache_dir() -> Path:
    """`$XDG_CACHE_HOME/xnatctl`, else `~/.cache/xnatctl`: what may be deleted at any time."""
    return _absolute(_places().user_cache_path, "XDG_CACHE_HOME")


def state_dir() -> Path:
    """`$XDG_STATE_HOME/xnatctl`, else `~/.local/state/xnatctl`: journals of transfers."""
    return _absolute(_places().user_state_path, "XDG_STATE_HOME")


@cache
def _places() -> Unix:
    # The documented paths are those of the XDG rules, on macOS and Windows as well.
    from platformdirs.unix import Unix

    return Unix("xnatctl", appauthor=False)


def _absolute(path: Path, variable: str) -> Path:
    if not path.is_absolute():
        # What is left of `~` when nobody knows a home directory.
        raise ConfigurationError(f"no home directory: set HOME or {variable}")
    return path
