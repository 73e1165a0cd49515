"""Where the files of this user are, the same on every platform.

A function raises ConfigurationError when there is no home directory to put them in; who only reads
takes that for "no such file".
"""

from __future__ import annotations

import os
from pathlib import Path

from xnat_core.errors import ConfigurationError

_NAME = "xnatctl"


def config_dir() -> Path:
    """`$XDG_CONFIG_HOME/xnatctl`, else `~/.config/xnatctl`: profiles and sessions."""
    return _base("XDG_CONFIG_HOME", ".config") / _NAME


def config_file() -> Path:
    """The YAML file with the profiles."""
    return config_dir() / "config.yaml"


def session_file() -> Path:
    """The cache of logins."""
    return config_dir() / ".session"


def cache_dir() -> Path:
    """`$XDG_CACHE_HOME/xnatctl`, else `~/.cache/xnatctl`: what may be deleted at any time."""
    return _base("XDG_CACHE_HOME", ".cache") / _NAME


def state_dir() -> Path:
    """`$XDG_STATE_HOME/xnatctl`, else `~/.local/state/xnatctl`: journals of transfers."""
    return _base("XDG_STATE_HOME", ".local/state") / _NAME


def _base(variable: str, below_home: str) -> Path:
    # The XDG rules say that a relative path is to be ignored.
    named = Path(os.environ.get(variable, ""))
    if named.is_absolute():
        return named
    try:
        return Path.home() / below_home
    except RuntimeError:
        raise ConfigurationError(f"no home directory: set HOME or {variable}") from None
