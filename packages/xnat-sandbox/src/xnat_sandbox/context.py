"""What a handler gets beside the request."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Request

from .disk import Readable, blocks_of
from .model import Project
from .permissions import Caller
from .responses import StatusError
from .sessions import ServerSession
from .settings import Settings
from .store import Store

if TYPE_CHECKING:
    from .app import Sandbox


class Parameters:
    """Query string and form fields, merged; the query string comes first."""

    def __init__(self, values: MultiDict[str, str]) -> None:
        self._values = values

    def get(self, *names: str, default: str = "") -> str:
        """The first value of the first name that is present."""
        for name in names:
            if name in self._values:
                return self._values[name]
        return default

    def all(self, name: str) -> list[str]:
        """Every value of a name."""
        return self._values.getlist(name)

    def flag(self, name: str) -> bool:
        """Present and anything but `false` or `0`: the server's idea of true."""
        return name in self._values and self._values[name].lower() not in ("false", "0")

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def items(self) -> Iterator[tuple[str, str]]:
        """All names with all values."""
        return iter(self._values.items(multi=True))

    def add(self, more: Iterable[tuple[str, str]]) -> None:
        """Add the fields of a form."""
        for name, value in more:
            self._values.add(name, value)


@dataclass(slots=True)
class Context:
    """The server, the caller and what the engine found out about the request."""

    app: Sandbox
    caller: Caller
    session: ServerSession
    parameters: Parameters
    remainder: str = ""
    base_url: str = ""
    new_session: bool = False

    @property
    def store(self) -> Store:
        """The data."""
        return self.app.store

    @property
    def settings(self) -> Settings:
        """The settings of this server."""
        return self.app.settings

    @property
    def login(self) -> str:
        """The user's login name."""
        return self.caller.login

    @property
    def rest(self) -> str:
        """The remainder without its outer slashes."""
        return self.remainder.strip("/")

    @property
    def format(self) -> str:
        """The `format` parameter in lower case."""
        return self.parameters.get("format").lower()

    def project(self, key: str) -> Project:
        """A project that the caller sees, 404 otherwise."""
        found = self.store.items.project(key)
        if found is None or not self.caller.sees(found):
            raise StatusError(404)
        return found

    def require(self, allowed: bool, message: str = "") -> None:
        """403 unless allowed."""
        if not allowed:
            raise StatusError(403, message)

    def require_admin(self) -> None:
        """403 for anybody but a site administrator."""
        self.require(self.caller.is_admin)


def body_of(request: Request) -> Iterator[bytes]:
    """The raw body in blocks, unpacked when it was sent with Content-Encoding: gzip."""
    source = cast(Readable, request.stream)
    if request.headers.get("Content-Encoding", "").lower() in ("gzip", "x-gzip"):
        source = cast(Readable, gzip.GzipFile(fileobj=request.stream))
    return blocks_of(source)
