"""Files on their way from one server to another: one body made of what another stream brings.

Nothing is kept: a file is framed anew while it passes, and held to what the listing said of it. One
that differs breaks the request before its end; it is never padded or passed over.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from xnat_core.archive.members import Member
from xnat_core.archive.tar_writer import END, framed_length, header_of, padding_of
from xnat_core.archive.zip_writer import DeflatedEntry, end_of_directory
from xnat_core.bodies import Blocks
from xnat_core.errors import DownloadError, IntegrityError
from xnat_core.files import Block, new_md5
from xnat_core.parallel import check_stop


@dataclass(frozen=True, slots=True)
class Expected:
    """A file that is to pass: its `name` in the archive, and what the listing says of it.

    `origin` names it in messages. `size` in bytes is None, and `digest` (MD5, small letters) empty,
    when the listing does not say.
    """

    name: str
    size: int | None
    digest: str = ""
    origin: str = ""


Arrivals = Generator[tuple[Expected, Iterable[Block]], None, None]
Open = Callable[[], Arrivals]
"""Opens the source, from its beginning at each call. Closing the generator gives it up."""


class PassingTar:
    """A tar of files as they arrive, in any order; its exact length follows from the listing.

    Iterating raises IntegrityError for a file that is not as listed, DownloadError when one does
    not come.
    """

    content_type = "application/x-tar"

    def __init__(self, files: Sequence[Expected], open: Open) -> None:
        self.files = tuple(files)
        self._open = open
        self.length = sum(framed_length(_member(file)) for file in self.files) + len(END)

    def __iter__(self) -> Iterator[Block]:
        blocks = Blocks()
        missing = {file.name: file for file in self.files}
        with closing(self._open()) as arrivals:
            for file, content in arrivals:
                del missing[file.name]
                member = _member(file)
                yield from blocks.data(header_of(member))
                for block in checked(file, content):
                    yield from blocks.data(block)
                yield from blocks.data(padding_of(member))
        require_none(missing)
        yield from blocks.data(END)
        yield from blocks.rest()


class PassingZip:
    """A zip of files as they arrive, deflated: for files whose sizes nobody knows beforehand.

    Iterating raises as `PassingTar`.
    """

    content_type = "application/zip"
    length = None

    def __init__(self, files: Sequence[Expected], open: Open) -> None:
        self.files = tuple(files)
        self._open = open

    def __iter__(self) -> Iterator[Block]:
        blocks = Blocks()
        missing = {file.name: file for file in self.files}
        directory: list[bytes] = []
        offset = 0
        with closing(self._open()) as arrivals:
            for file, content in arrivals:
                del missing[file.name]
                entry = DeflatedEntry(_member(file), offset)
                yield from blocks.data(entry.local())
                for piece in entry.pack(checked(file, content)):
                    yield from blocks.data(piece)
                yield from blocks.data(entry.descriptor())
                directory.append(entry.central())
                offset += entry.length
        require_none(missing)
        for record in directory:
            yield from blocks.data(record)
        yield from blocks.data(end_of_directory(directory, offset))
        yield from blocks.rest()


class PassingFile:
    """One file as it is; its size must be known."""

    content_type = "application/octet-stream"

    def __init__(self, file: Expected, open: Open) -> None:
        self.file = file
        self._open = open
        self.length = file.size or 0

    def __iter__(self) -> Iterator[Block]:
        missing = {self.file.name: self.file}
        with closing(self._open()) as arrivals:
            for file, content in arrivals:
                del missing[file.name]
                # One block behind: the last one leaves only when the file has been checked.
                waiting: Block = b""
                for block in checked(file, content):
                    if waiting:
                        yield waiting
                    waiting = bytes(block)
                if waiting:
                    yield waiting
        require_none(missing)


def checked(file: Expected, content: Iterable[Block]) -> Iterator[Block]:
    """Pass the blocks of a file on; raises IntegrityError when they are not as listed."""
    digest = new_md5()
    size = 0
    for block in content:
        check_stop()
        size += len(block)
        if file.size is not None and size > file.size:
            raise _differs(file, f"more than {file.size} bytes")
        digest.update(block)
        yield block
    if file.size is not None and size != file.size:
        raise _differs(file, f"{size} of {file.size} bytes")
    if file.digest and digest.hexdigest() != file.digest:
        raise _differs(file, f"MD5 {digest.hexdigest()} instead of {file.digest}")


def require_none(missing: dict[str, Expected]) -> None:
    """Raise DownloadError for files that were listed and did not come."""
    for file in missing.values():
        raise DownloadError(
            f"{file.origin or file.name}: {len(missing)} listed files did not come, this one first"
        )


def read_ahead(blocks: Iterable[Block], room: int = 8) -> Generator[Block, None, None]:
    """Read on a thread of its own, at most `room` blocks ahead of who takes them."""
    ready: queue.Queue[Block | BaseException | None] = queue.Queue(room)
    given_up = threading.Event()

    def put(item: Block | BaseException | None) -> bool:
        while not given_up.is_set():
            try:
                ready.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def read() -> None:
        try:
            for block in blocks:
                if not put(block):
                    return
        except BaseException as error:
            put(error)
        else:
            put(None)

    threading.Thread(target=read, daemon=True).start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        given_up.set()


def _member(file: Expected) -> Member:
    return Member(Path(file.name), file.name, file.size or 0)


def _differs(file: Expected, how: str) -> IntegrityError:
    return IntegrityError(f"{file.origin or file.name}: not as listed, the source sent {how}")
