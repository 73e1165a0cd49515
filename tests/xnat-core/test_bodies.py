"""Bodies go over the wire with the length they promise, again and again."""

from __future__ import annotations

from pathlib import Path

import pytest

from xnat_core.bodies import Body, BytesBody, FileBody, WatchedBody
from xnat_core.errors import UploadError
from xnat_core.files import BLOCK

CONTENT = bytes(range(256)) * 10_000


def sent(body: Body) -> bytes:
    return b"".join(bytes(block) for block in iter(body))


@pytest.mark.parametrize("content", [b"", b"1", CONTENT, bytes(2 * BLOCK)])
def test_bytes_and_files_are_sent_as_they_are(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    for body in (BytesBody(content, "text/xml"), FileBody(tmp_path / "a", "text/xml")):
        assert sent(body) == sent(body) == content
        assert (body.length, body.content_type) == (len(content), "text/xml")


def test_a_file_that_changed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(CONTENT)
    body = FileBody(path)
    path.write_bytes(CONTENT[1:])
    with pytest.raises(UploadError, match="/a: changed from 2560000 to 2559999 bytes"):
        sent(body)


def test_a_file_written_to_while_it_is_sent_is_refused_before_its_last_block(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(3 * BLOCK))
    received = 0
    with pytest.raises(UploadError, match="/a: was written to while it was being sent"):
        for block in FileBody(path):
            received += len(block)
            with path.open("r+b") as file:
                file.write(b"other")
    assert received == 2 * BLOCK


def test_only_a_regular_file_is_a_body(tmp_path: Path) -> None:
    with pytest.raises(UploadError, match="not a regular file"):
        FileBody(tmp_path)


def test_a_watched_body_counts_each_byte_once_however_often_it_is_sent() -> None:
    told: list[int] = []
    body = WatchedBody(BytesBody(CONTENT, "text/xml"), told.append)
    blocks = iter(body)
    next(blocks)
    next(blocks)
    assert sum(told) == BLOCK
    assert sent(body) == CONTENT
    assert sum(told) == body.length == len(CONTENT)
    assert body.content_type == "text/xml"


def test_a_watched_body_takes_back_what_came_to_nothing() -> None:
    told: list[int] = []
    body = WatchedBody(BytesBody(CONTENT), told.append)
    sent(body)
    body.take_back()
    body.take_back()
    assert sum(told) == 0


def test_collecting_the_blocks_reserves_no_room_for_their_bytes() -> None:
    # list() would ask a body that had a length for the number of its blocks.
    assert not hasattr(BytesBody(CONTENT), "__len__")
    assert b"".join(map(bytes, BytesBody(CONTENT))) == CONTENT
