"""One instance as a form with a file, so that the server learns its name."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from xnat_core.archive import Member, OnDigest
from xnat_core.bodies import Blocks
from xnat_core.files import Block, new_md5


class FormBody:
    """A form with one file, its exact length known beforehand.

    A bare body has no name: the server calls each `upload.dcm`, and parallel ones collide.
    """

    def __init__(self, member: Member, *, on_digest: OnDigest | None = None) -> None:
        boundary = secrets.token_hex(16)
        name = member.name.rpartition("/")[2]
        self._member = member
        self._on_digest = on_digest
        self._head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: application/dicom\r\n\r\n"
        ).encode()
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self.length = len(self._head) + member.size + len(self._tail)

    def __iter__(self) -> Iterator[Block]:
        blocks = Blocks()
        digest = new_md5() if self._on_digest else None
        yield from blocks.data(self._head)
        with self._member.open() as file:
            yield from blocks.file(file, digest)
        yield from blocks.data(self._tail)
        yield from blocks.rest()
        if self._on_digest and digest:
            self._on_digest(self._member, digest.hexdigest())
