"""A tar of local files as a request body."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Sequence

from xnat_core.archive.members import Member, OnDigest
from xnat_core.bodies import Blocks
from xnat_core.files import Block, new_md5

_RECORD = 512
_END = bytes(2 * _RECORD)
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
        self.length = sum(map(_length, self.members)) + len(_END)

    def __iter__(self) -> Iterator[Block]:
        blocks = Blocks()
        for member in self.members:
            yield from blocks.data(_header(member))
            digest = new_md5() if self._on_digest else None
            with member.open() as file:
                yield from blocks.file(file, digest)
            yield from blocks.data(bytes(_padding(member.size)))
            if self._on_digest and digest:
                self._on_digest(member, digest.hexdigest())
        yield from blocks.data(_END)
        yield from blocks.rest()


def _length(member: Member) -> int:
    header = _RECORD if _is_plain(member) else len(_header(member))
    return header + member.size + _padding(member.size)


def _is_plain(member: Member) -> bool:
    return (
        len(member.name) <= _LONGEST_PLAIN_NAME
        and member.name.isascii()
        and member.size <= _LARGEST_PLAIN_NUMBER
        and 0 <= member.mtime <= _LARGEST_PLAIN_NUMBER
    )


def _header(member: Member) -> bytes:
    info = tarfile.TarInfo(member.name)
    info.size = member.size
    info.mtime = member.mtime
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _padding(size: int) -> int:
    return -size % _RECORD
