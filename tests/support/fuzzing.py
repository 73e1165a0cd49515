"""Readers of what comes from outside, each a function of bytes that may raise only our errors.

`tools/fuzz` hands them to atheris; `tests/faults/test_fuzzing.py` gives them damaged samples.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from requests import Response

from xnat_core.archive import read_tar, read_zip
from xnat_core.archive.paths import safe_join
from xnat_core.errors import XNATCtlError
from xnat_core.http.answers import (
    leads_to_sign_in,
    may_follow,
    redirect_of,
    refused_redirect,
)
from xnat_core.http.listings import Envelope
from xnat_core.http.retries import asked_pause
from xnat_core.imports.answers import ImportRefused, landings_of
from xnat_core.models import Resource, ResourceFile, Scan, Session, Subject
from xnat_core.records import parse_line, read_lines, where

ROOT = Path("/nowhere/at/all")


def records(data: bytes) -> None:
    """Standard input of a tool: every line is a record, blank, or refused by its number."""
    for number, line in read_lines(io.BytesIO(data)):
        with contextlib.suppress(XNATCtlError):
            parse_line(number, line)


def conditions(data: bytes) -> None:
    """An argument of `--where`, on a record."""
    where(data.decode("utf-8", "replace"))({"id": "E1", "n": 3, "list": ["a", 1], "nothing": None})


def tar(data: bytes) -> None:
    """A tar or tar.gz, its names taken as paths."""
    for member in read_tar(_blocks(data)):
        _unpacked(member.name, member.blocks())


def zip_(data: bytes) -> None:
    """A zip, its names taken as paths."""
    for member in read_zip(_blocks(data)):
        _unpacked(member.name, member.blocks())


def listing(data: bytes) -> None:
    """A ResultSet, read as a stream and at once: both find the same rows or both refuse."""
    envelope = Envelope("http://server", "GET /data/x")
    rows = list(envelope.iter_rows(_blocks(data)))
    for row in rows:
        for model in (Session, Subject, Scan, Resource, ResourceFile):
            model.from_row(row).to_record("http://server")


def document(data: bytes) -> None:
    """The document of one object."""
    item = Envelope("http://server", "GET /data/x").item(data)
    Session.from_item(item).to_record("http://server")


def import_answer(data: bytes) -> None:
    """What the import service says, as success and as refusal."""
    text = data.decode("utf-8", "replace")
    ImportRefused(text).kind  # noqa: B018  # it is computed
    asked_pause(text)
    landings_of(text)


def redirect(data: bytes) -> None:
    """Where a redirect leads."""
    answer = Response()
    answer.status_code = 302
    answer.headers["Location"] = data.decode("latin-1")
    target = redirect_of(answer, "http://server/data/x")
    if target is not None:
        leads_to_sign_in(target)
        may_follow("http://server/data/x", target)
        str(refused_redirect("http://server", "GET /data/x", target))


def configuration(data: bytes) -> None:
    """The file with the profiles."""
    from xnat_core.config import Config

    with TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"
        path.write_bytes(data)
        Config.of_file(path)


def _blocks(data: bytes) -> Iterator[bytes]:
    # Borders of blocks fall anywhere.
    size = 1 + len(data) % 97
    return (data[start : start + size] for start in range(0, len(data), size))


def _unpacked(name: str, blocks: Iterator[memoryview]) -> None:
    with contextlib.suppress(XNATCtlError):
        assert safe_join(ROOT, name).is_relative_to(ROOT), name
    for _ in blocks:
        pass


Target = Callable[[bytes], None]
TARGETS: dict[str, Target] = {
    "records": records,
    "conditions": conditions,
    "tar": tar,
    "zip": zip_,
    "listing": listing,
    "document": document,
    "import_answer": import_answer,
    "redirect": redirect,
    "configuration": configuration,
}


def harmless(target: Target, data: bytes) -> None:
    """Run a target; errors of this project are its good right."""
    with contextlib.suppress(XNATCtlError):
        target(data)


def samples(name: str) -> list[bytes]:
    """Well-formed input to begin with."""
    row = {"ID": "XNAT_E1", "label": "E1", "date": "2024-05-02", "Size": "3", "file_count": "2.0"}
    members = {"a/b.dcm": b"x" * 700, "": b"", "long/" * 30 + "n": b"y", "\u00e4": b"z" * 1000}
    made = {
        "records": [b'{"kind":"session","id":"E1"}\n\n{"kind":"scan","id":"1","outcome":"failed"}'],
        "conditions": [b"id=E1", b"n>=2", b"list~a", b"nothing!=x"],
        "tar": [_tar(members, mode) for mode in ("w", "w:gz")],
        "zip": [_zip(members, how) for how in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)],
        "listing": [json.dumps({"ResultSet": {"Result": [row] * 3, "totalRecords": "3"}}).encode()],
        "document": [
            json.dumps(
                {
                    "items": [
                        {
                            "data_fields": row,
                            "meta": {"xsi:type": "xnat:mrSessionData"},
                            "children": [
                                {"field": "fields/field", "items": [{"data_fields": {"name": "a"}}]}
                            ],
                        }
                    ]
                }
            ).encode()
        ],
        "import_answer": [
            b"/data/prearchive/projects/P1/20240502_101500123/E1\r\n",
            b"/xapi/direct-archive/P1/1.2.3/E1\r\n",
            b"unable to read DICOM object a.dcm: disk",
        ],
        "redirect": [b"/app/template/Login.vm", b"http://[::1]:8080/x", b"https://a:99999/?q#f"],
        "configuration": [b"default_profile: a\nprofiles:\n  a: {url: 'http://x', timeout: 3}\n"],
    }
    return made[name]


def damaged(sample: bytes, chance: random.Random) -> bytes:
    """A sample with a few things changed, taken away, doubled or cut off."""
    data = bytearray(sample)
    for _ in range(chance.randrange(1, 5)):
        at = chance.randrange(len(data) + 1)
        end = min(len(data), at + chance.choice((1, 1, 2, 4, 16, 100)))
        change = chance.randrange(5)
        if change == 0:
            data[at:end] = chance.randbytes(end - at)
        elif change == 1:
            del data[at:end]
        elif change == 2:
            data[at:at] = data[at:end] * chance.choice((1, 2, 50))
        elif change == 3:
            data[at:end] = chance.choice((b"\0", b"\xff", b"9", b"{", b"PK\3\4", b"-")) * (end - at)
        else:
            del data[at:]
    return bytes(data)


def _tar(members: dict[str, bytes], mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name or "empty")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def _zip(members: dict[str, bytes], compression: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name or "empty", data)
    return buffer.getvalue()
