"""A tar of local files as a request body."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Sequence

from xnat_core.archive.members import Member, OnDigest
from xnat_core.bodies import Blocks
from xnat_core.files import Block, new_md5

_RECORD = 512
END = bytes(2 * _RECORD)
_LONGEST_PLAIN_NAME = 100
_LARGEST_PLAIN_NUMBER = 8**11 - 1


class TarStream:
    """A tar whose exact length is known before the first byte: the server refuses a chunked one.

    Names that a plain header cannot hold (long, not ASCII) go to PAX headers. One file is open at a
    time. `on_digest` is called with the member and its MD5 when its last byte has been read, again
    when the body is sent again; without it nothing is digested.

    Iterating raises `UploadError` naming the file that is gone or changed: nothing is padded.
    """

    content_type = "application/x-tar"

    def __init__(self, members: Sequence[Member], *, on_digest: OnDigest | None = None) -> None:
        self.members = tuple(members)
        self._on_digest = on_digest
        self.length = sum(map(framed_length, self.members)) + len(END)

    def __iter__(self) -> Iterator[Block]:
        blocks = Blocks()
        for member in self.members:
            yield from blocks.data(header_of(member))
            digest = new_md5() if self._on_digest else None
            with member.open() as file:
                yield from blocks.file(file, digest)
            yield from blocks.data(padding_of(member))
            if self._on_digest and digest:
                self._on_digest(member, digest.hexdigest())
        yield from blocks.data(END)
        yield from blocks.rest()


def framed_length(member: Member) -> int:
    """Return how many bytes a member takes, header and padding included."""
    header = _RECORD if _is_plain(member) else len(header_of(member))
    return header + member.size + len(padding_of(member))


def header_of(member: Member) -> bytes:
    """Return what stands before the bytes of a member."""
    info = tarfile.TarInfo(member.name)
    info.size = member.size
    info.mtime = member.mtime
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def padding_of(member: Member) -> bytes:
    """Return what stands behind the bytes of a member."""
    return bytes(-member.size % _RECORD)


def _is_plain(member: Member) -> bool:
    return (
        len(member.name) <= _LONGEST_PLAIN_NAME
        and member.name.isascii()
        and member.size <= _LARGEST_PLAIN_NUMBER
        and 0 <= member.mtime <= _LARGEST_PLAIN_NUMBER
    )
