"""Request bodies on their way out: counted, made afresh for each attempt, their own errors kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from xnat_core.errors import UploadError, explain

if TYPE_CHECKING:
    from xnat_core.bodies import Body
    from xnat_core.files import Block


class BodyFailed(Exception):
    """The body could not be made; `__cause__` says why.

    Of a class that the HTTP library does not know: it would take a local disk's error for one of
    the network, and try again.
    """


class Outgoing:
    """A body for the HTTP library: exactly the announced number of bytes, or BodyFailed."""

    def __init__(self, body: Body) -> None:
        self._body = body

    def __iter__(self) -> Iterator[Block]:
        sent = 0
        length = self._body.length
        try:
            for block in self._body:
                sent += len(block)
                if length is not None and sent > length:
                    raise UploadError(f"the body grew beyond its {length} bytes while it was sent")
                yield block
            if length is not None and sent < length:
                raise UploadError(f"the body ended after {sent} of {length} bytes")
        except OSError as error:
            raise BodyFailed from explain(error)
        except Exception as error:
            raise BodyFailed from error
