"""A tar, gzipped or not, read as it arrives.

The standard library's stream mode takes a tar that was cut between two members for a whole one. But
a server that fails half-way has answered 200 already, and simply stops. Here only the end mark
counts as the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from xnat_core.archive.members import ArchiveMember, Kind, passed
from xnat_core.archive.source import Fail, Source, ungzipped
from xnat_core.errors import DownloadError
from xnat_core.files import Block

_RECORD = 512
_KINDS: dict[bytes, Kind] = {
    b"0": "file",
    b"\0": "file",
    b"7": "file",
    b"S": "sparse",
    b"5": "directory",
    b"1": "link",
    b"2": "link",
}
_WITHOUT_BYTES = b"123456"
_LONGEST_EXTENSION = 1 << 20

Facts = dict[str, bytes]


def read_tar(
    blocks: Iterable[Block] | IO[bytes], *, fail: Fail = DownloadError
) -> Iterator[ArchiveMember]:
    """Yield the members of a tar or tar.gz; the iterator ends only when the archive was whole.

    Reads ustar, PAX and GNU names and sizes. `fail` makes the error that is raised, with a sentence
    naming the member, when the stream ends early or is damaged.
    """
    source = ungzipped(Source(blocks, fail))
    source.refuse_page()
    defaults: Facts = {}
    facts: Facts = {}
    while header := _header(source):
        if header.type in (b"x", b"g"):
            records = _pax_records(source, header)
            if header.type == b"g":
                defaults |= records
            else:
                facts |= records
        elif header.type in (b"L", b"K"):
            value = _extension(source, header).rstrip(b"\0")
            facts["path" if header.type == b"L" else "linkpath"] = value
        else:
            yield from _member(source, header, defaults | facts)
            facts = {}
    if facts:
        raise fail("the archive ends after a header that has no member")
    # What is left is the padding after the end mark, and the checksum of a gzip layer.
    source.drain()


@dataclass(frozen=True, slots=True)
class _Header:
    name: bytes
    size: int
    type: bytes


def _header(source: Source) -> _Header | None:
    """Take a header; None for the mark at the end, two records of zeros or one as the last."""
    block = source.exactly(_RECORD, "a header, or before its end mark")
    if not any(block):
        after = source.peek(_RECORD)
        if any(after):
            raise source.fail("the archive is damaged: bytes after a record of zeros")
        if len(after) not in (0, _RECORD):
            raise source.fail("the archive is cut short in its end mark")
        return None
    unsigned = sum(block) - sum(block[148:156]) + 8 * ord(" ")
    stored = _number(source, block[148:156])
    if stored != unsigned and stored != unsigned - _signed_excess(block):
        raise source.fail("the archive is damaged: wrong checksum of a header")
    name = block[:100].split(b"\0")[0]
    prefix = block[345:500].split(b"\0")[0] if block[257:263] == b"ustar\0" else b""
    return _Header(
        prefix + b"/" + name if prefix else name, _number(source, block[124:136]), block[156:157]
    )


def _signed_excess(block: bytes) -> int:
    """How much less the checksum is for the old writers that summed signed bytes."""
    return 256 * sum(byte > 127 for byte in block[:148] + block[156:])


def _number(source: Source, field: bytes) -> int:
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    try:
        return int(field.split(b"\0")[0].strip() or b"0", 8)
    except ValueError as error:
        raise source.fail("the archive is damaged: a number in a header") from error


def _extension(source: Source, header: _Header) -> bytes:
    if header.size > _LONGEST_EXTENSION:
        raise source.fail(f"the archive has a header of {header.size} bytes")
    data = source.exactly(header.size, "a header")
    source.exactly(-header.size % _RECORD, "a header")
    return data


def _pax_records(source: Source, header: _Header) -> Facts:
    """Parse `LENGTH KEY=VALUE\\n` records, where the length counts all of the record."""
    data = _extension(source, header)
    records: Facts = {}
    start = 0
    while start < len(data):
        length = data[start : start + 20].split(b" ")[0]
        end = start + int(length) if length.isdigit() else start
        key, equals, value = data[start + len(length) + 1 : end].partition(b"=")
        if not equals or not value.endswith(b"\n"):
            raise source.fail("the archive is damaged: a PAX header")
        records[key.decode("utf-8", "replace")] = value[:-1]
        start = end
    return records


def _member(source: Source, header: _Header, facts: Facts) -> Iterator[ArchiveMember]:
    name = facts.get("path", header.name).decode("utf-8", "surrogateescape")
    size = _pax_size(source, facts["size"]) if facts.get("size") else header.size
    if header.type in _WITHOUT_BYTES:
        size = 0
    kind = _KINDS.get(header.type, "other")
    if kind == "file" and name.endswith("/"):
        kind = "directory"
    if any(key.startswith("GNU.sparse.") for key in facts):
        kind = "sparse"
    return passed(name, size, kind, _content(source, name, size))


def _pax_size(source: Source, text: bytes) -> int:
    if not text.isdigit():
        raise source.fail("the archive is damaged: a size in a PAX header")
    return int(text)


def _content(source: Source, name: str, size: int) -> Iterator[Block]:
    left = size
    while left:
        block = source.some(left)
        if not block:
            raise source.fail(f"{name}: the archive is cut short, {left} bytes are missing")
        left -= len(block)
        yield block
    source.exactly(-size % _RECORD, f"the padding of {name}")
