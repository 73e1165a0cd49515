"""Whether the server has what was sent: the decisions behind "done", "skipped" and "sent again"."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.sandbox import XNAT
from xnat_core.archive.members import Member
from xnat_core.client import XNATClient
from xnat_core.errors import ResourceExistsError, UploadError
from xnat_core.files import md5_of
from xnat_core.models import ResourceFile
from xnat_core.services.homes import Home
from xnat_core.services.stored import (
    comes_out,
    holds,
    is_same,
    is_torn,
    require_as_sent,
    stored_files,
)

HOME = Home.of_project("P1")
MD5 = "900150983cd24fb0d6963f7d28e17f72"
OTHER = "0" * 32


@pytest.fixture
def local(tmp_path: Path) -> Member:
    """A file of the three bytes whose MD5 is above."""
    (tmp_path / "a").write_bytes(b"abc")
    assert md5_of(tmp_path / "a") == MD5
    return Member.of(tmp_path / "a", "a")


def listed(size: int | None, digest: str | None) -> ResourceFile:
    return ResourceFile(name="a", path="a", size=size, digest=digest)


# What a listing tells, and whether it is that of these three bytes.
TOLD = [
    (3, MD5, True),
    (3, None, True),
    (None, MD5, True),
    (None, None, False),
    (3, OTHER, False),
    (None, OTHER, False),
    (2, None, False),
    (4, MD5, False),
]


@pytest.mark.parametrize(("size", "digest", "same"), TOLD)
def test_it_is_the_same_where_all_that_is_told_agrees(
    local: Member, size: int | None, digest: str | None, same: bool
) -> None:
    stored = {"a": listed(size, digest)}
    assert is_same(local, stored["a"]) is same
    sent = {"a": (3, MD5)}
    assert holds(stored, sent) is same
    assert comes_out(lambda: stored, sent, 0) is same
    if same:
        assert require_as_sent(stored, HOME, "R", sent) == (digest is None)
    else:
        with pytest.raises(ResourceExistsError, match="'R/a' already exists with other content"):
            require_as_sent(stored, HOME, "R", sent)


def test_of_another_size_it_is_not_read(local: Member) -> None:
    local.path.unlink()
    assert not is_same(local, listed(4, MD5))


def test_nothing_sent_never_comes_out() -> None:
    assert not comes_out(lambda: {"a": listed(3, MD5)}, {}, 0)


@pytest.mark.parametrize(
    ("stored", "said"),
    [({}, "no permission to change project P1"), ({"b": listed(1, None)}, "or under another name")],
)
def test_one_that_is_not_listed_was_not_stored(stored: dict[str, ResourceFile], said: str) -> None:
    sent = {"a": (3, MD5), "b": (1, OTHER)}
    assert not holds(stored, sent)
    with pytest.raises(UploadError, match=said):
        require_as_sent(stored, HOME, "R", sent)


@pytest.mark.parametrize(
    ("size", "digest", "torn"),
    [
        (2, "187ef4436122d1cc2f40dc2b92f0eba0", True),  # Of "ab".
        (0, "d41d8cd98f00b204e9800998ecf8427e", True),
        (2, OTHER, False),
        (2, None, False),
        (None, "187ef4436122d1cc2f40dc2b92f0eba0", False),
        (3, MD5, False),
    ],
)
def test_a_beginning_is_known_by_its_digest(
    local: Member, size: int | None, digest: str | None, torn: bool
) -> None:
    assert is_torn(local, listed(size, digest)) is torn


def test_a_resource_that_is_not_there_holds_nothing(xnat: XNAT, client: XNATClient) -> None:
    xnat.has_project("P1")
    assert stored_files(client, HOME, "R") == {}
