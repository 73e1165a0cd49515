"""New names for old: the same for the same under one key, and not to be reversed without it.

Nothing is remembered, so that any number of processes and runs that share a key agree, however many
files they see. Who has the key can tell whether a guess is right: it is as secret as the data.
"""

from __future__ import annotations

import base64
import hmac
import os
import secrets
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from xnat_core.errors import ConfigurationError
from xnat_core.files import leads_nowhere
from xnat_core.presence import exists
from xnat_core.private_files import write_private

KEY_SIZE = 32
_SHORTEST_KEY = 16
_STANDARD = "1.2.840.10008."
_LETTERS = 10


@dataclass(frozen=True)
class Pseudonyms:
    """The mapping that a key stands for; without a key, one of this run alone."""

    key: bytes = field(default_factory=lambda: secrets.token_bytes(KEY_SIZE), repr=False)

    def uid(self, old: str) -> str:
        """The new UID of an instance, series, study …; those of the standard stay."""
        old = old.strip().rstrip("\0")
        if not old or old.startswith(_STANDARD):
            return old
        digest = self._digest("uid", old)
        return f"2.25.{uuid.UUID(bytes=digest[:16], version=4).int}"

    def patient(self, *parts: str) -> str:
        """The new ID of the patient whom these texts identify."""
        digest = self._digest("patient", *parts)
        return f"ANON-{base64.b32encode(digest).decode()[:_LETTERS]}"

    def _digest(self, *parts: str) -> bytes:
        message = "\0".join(parts).encode("utf-8", "surrogateescape")
        return hmac.digest(self.key, message, "sha256")


def key_of(path: Path, *, create: bool = True) -> bytes | None:
    """The key in a file, which is made with a new one, mode 0600, if there is none.

    None when there is none and it is not to be made. Raises ConfigurationError, for a link
    that leads nowhere, too.
    """
    try:
        if create and not exists(path):
            _make(path)
        key = path.read_bytes().strip()
    except OSError as error:
        if leads_nowhere(path, error):
            # Another key would be taken in silence, and each run would give other pseudonyms.
            said = f"{path}: a link that leads nowhere"
            raise ConfigurationError(said, "key-file", str(path)) from error
        if not create and isinstance(error, FileNotFoundError):
            return None
        raise ConfigurationError(f"{path}: {error.strerror}", "key-file", str(path)) from error
    if len(key) < _SHORTEST_KEY:
        raise ConfigurationError(
            f"{path}: a key needs {_SHORTEST_KEY} bytes, this has {len(key)}", "key-file", str(path)
        )
    return key


def _make(path: Path) -> None:
    """Of two processes that start together one makes the file, and both read it whole."""
    part = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    write_private(part, secrets.token_hex(KEY_SIZE).encode() + b"\n")
    try:
        with suppress(FileExistsError):
            path.hardlink_to(part)
    finally:
        part.unlink()
