"""A multipart upload, spooled to disk part by part (as Tomcat's file upload does).

The fields may follow the file, so nothing can be imported before the whole body has arrived.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

BLOCK = 1 << 20


class FormError(Exception):
    """The body is no well-formed multipart form."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file of the form: the name its sender gave it, and where it lies now."""

    filename: str
    path: Path


@dataclass(frozen=True, slots=True)
class Form:
    """What a form holds."""

    fields: dict[str, list[str]] = field(default_factory=dict)
    files: list[Part] = field(default_factory=list)


@contextmanager
def spooled(stream: BinaryIO, boundary: bytes, folder: Path) -> Iterator[Form]:
    """Read the form; its files lie below `folder` until the block ends. Damage is a FormError."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as spool:
        try:
            form = _read(stream, MultipartDecoder(boundary), Path(spool))
        except ValueError as error:
            raise FormError(str(error)) from error
        yield form


def _read(stream: BinaryIO, decoder: MultipartDecoder, spool: Path) -> Form:
    form = Form()
    name: str = ""
    text: list[bytes] = []
    target: BinaryIO | None = None
    try:
        for event in _events(stream, decoder):
            match event:
                case File():
                    path = spool / str(len(form.files))
                    form.files.append(Part(event.filename, path))
                    target = path.open("wb")
                case Field():
                    name, text = event.name, []
                case Data() if target is not None:
                    target.write(event.data)
                    if not event.more_data:
                        target.close()
                        target = None
                case Data():
                    text.append(event.data)
                    if not event.more_data:
                        value = b"".join(text).decode("utf-8", "replace")
                        form.fields.setdefault(name, []).append(value)
    finally:
        if target is not None:
            target.close()
    return form


def _events(stream: BinaryIO, decoder: MultipartDecoder) -> Iterator[Event]:
    while True:
        event = decoder.next_event()
        if isinstance(event, NeedData):
            data = stream.read(BLOCK)
            # No more data: None tells the decoder, which then refuses an unfinished form.
            decoder.receive_data(data or None)
            continue
        yield event
        if isinstance(event, Epilogue):
            return
