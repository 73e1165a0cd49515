"""A request, and how it is to be treated."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from xnat_core.errors import AuthenticationError
from xnat_core.http import answers

if TYPE_CHECKING:
    from xnat_core.http.streams import Stream
    from xnat_core.http.transport import Wire

READING = frozenset({"GET", "HEAD"})


@dataclass
class Call:
    """A request and how it is to be treated; see `XNATClient.request`.

    `path` is the one without query, for messages. `wants_json`: a web page is no answer to it.
    """

    method: str
    url: str
    path: str
    wire: Wire
    repeatable: bool = False
    accept: Collection[int] = ()
    about: answers.About | None = None
    anonymous: bool = False
    wants_json: bool = False
    renewals: int = field(default=0, init=False)
    refused_with: str | None = field(default=None, init=False)

    @property
    def renewed(self) -> bool:
        """Whether it is on its way a second time because of the login."""
        return self.renewals > 0

    @property
    def operation(self) -> str:
        """Method and path."""
        return f"{self.method} {self.path}"


def may_repeat(call: Call, response: Stream, target: str) -> bool:
    """Whether a redirected request may be made again; a change only where it was to be made, with
    another slash or scheme, and by a status that says that nothing has been done."""
    if call.method in READING:
        return True
    is_same = answers.is_same_path(call.url, target)
    return response.status_code in (307, 308) and is_same and call.wire.rewindable


@contextmanager
def answered(call: Call, response: Stream) -> Iterator[None]:
    """Note in an error of the login what the server had answered, unless it is of another answer.

    Not on the way to a login alone: then nothing has been asked yet.
    """
    try:
        yield
    except AuthenticationError as error:
        if "status_code" not in error.details:
            answers.note_answer(error, response, call.method, call.path)
        raise
