"""Files that hold an alias token: XNAT_TOKEN_FILE names one.

JSON of `server`, `alias` and `secret`, which only its owner can read. The server is part of it, so
that a token never goes to another one.
"""

from __future__ import annotations

import json
import stat
from dataclasses import dataclass, field
from pathlib import Path

from xnat_core.errors import ConfigurationError
from xnat_core.private_files import write_private
from xnat_core.urls import server_url


@dataclass(frozen=True)
class AliasToken:
    """A pair that logs in at one server."""

    server: str
    alias: str
    secret: str = field(repr=False)

    def write(self, path: Path) -> None:
        """Replace the file, mode 0600. Raises ConfigurationError."""
        facts = {"server": self.server, "alias": self.alias, "secret": self.secret}
        try:
            write_private(path, json.dumps(facts).encode() + b"\n")
        except OSError as error:
            raise ConfigurationError(f"{path}: cannot be written: {error.strerror}") from error

    @classmethod
    def read(cls, path: Path) -> AliasToken:
        """Read the file. Raises ConfigurationError, for one that others can read as well."""
        try:
            with path.open("rb") as file:
                mode = stat.S_IMODE(path.stat().st_mode)
                data = json.loads(file.read())
            token = cls(server_url(data["server"]), str(data["alias"]), str(data["secret"]))
        except OSError as error:
            raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError):
            raise ConfigurationError(
                f"{path}: no token file; 'xnat-auth token issue --out' writes one"
            ) from None
        if mode & 0o077:
            raise ConfigurationError(f"{path}: others can read the token: chmod 600 {path}")
        return token
