"""A body that is read as it comes."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING

from xnat_core.errors import NetworkError
from xnat_core.http.connections import BLOCK
from xnat_core.http.failures import TROUBLE, reading_error

if TYPE_CHECKING:
    from requests import Response
    from requests.structures import CaseInsensitiveDict


class Stream:
    """An answer whose body is iterated once, in blocks of 1 MiB, as the server sent them.

    Iterating raises TimeoutError when nothing comes for the idle time, NetworkError when the body
    ends before its length or its last chunk. A body that is `framed` by neither can be cut short
    without anybody noticing: its receiver must check size, digest or archive. A compressed body
    (`encoding`) is not unpacked. To be used in a `with` statement.
    """

    def __init__(self, response: Response, server: str, idle: float) -> None:
        self._response = response
        self._server = server
        self._idle = idle
        self.status_code = response.status_code
        self.headers: CaseInsensitiveDict[str] = response.headers
        self.content_type = response.headers.get("Content-Type", "")
        self.encoding = response.headers.get("Content-Encoding", "").strip().lower()
        self.length = _length(response)
        self.framed = self.length is not None or _is_chunked(response)

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[bytes]:
        return self.blocks()

    def blocks(self, size: int = BLOCK, *, unpack: bool = False) -> Iterator[bytes]:
        """Iterate over blocks of `size` bytes, the last one shorter; `unpack` uncompresses."""
        received = 0
        while True:
            try:
                block: bytes = self._response.raw.read(size, decode_content=unpack)
            except TROUBLE as error:
                raise reading_error(error, self._server, self._idle) from error
            if not block:
                break
            received += len(block)
            yield block
        if not unpack and self.length is not None and received != self.length:
            raise NetworkError(
                self._server, f"the answer was cut short: {received} of {self.length} bytes"
            )

    def close(self) -> None:
        """Let the connection go; what is unread is not fetched."""
        self._response.close()


def _length(response: Response) -> int | None:
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isdecimal() and not _is_chunked(response) else None


def _is_chunked(response: Response) -> bool:
    return "chunked" in response.headers.get("Transfer-Encoding", "").lower()
