"""Files that end too early: no tool takes them for shorter ones."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest

from support.answers import Run

pytestmark = pytest.mark.usefixtures("folder")
B = "b/ct1_0001.dcm"
# The place of the second element of the meta group.
META = 144
READERS = [["inspect"], ["validate"], ["list-tags"], ["ls"]]


def cut(at: int) -> None:
    Path(B).write_bytes(Path(B).read_bytes()[:at])


def place_of(tag: int) -> int:
    """Where the head of an element of the header begins."""
    wanted = tag.to_bytes(4, "big")
    return Path(B).read_bytes().index(bytes([wanted[1], wanted[0], wanted[3], wanted[2]]))


@pytest.mark.parametrize("verb", READERS)
@pytest.mark.parametrize("more", [0, 12, 50, None])
def test_a_file_without_a_data_set_is_no_empty_one(
    verb: list[str], more: int | None, run: Run
) -> None:
    cut(place_of(0x00080005) if more is None else META + more)
    answer = run(*verb, B)
    assert (answer.status, answer.values("path", "outcome")) == (1, [(B, "failed")])
    said = f"xnat-dicom: {B}: not readable as DICOM: has no data set"
    assert answer.err.splitlines()[0] == said


@pytest.mark.parametrize("verb", READERS)
@pytest.mark.parametrize("rest", range(1, 8))
def test_the_beginning_of_an_element_is_no_end(verb: list[str], rest: int, run: Run) -> None:
    cut(place_of(0x00100020) + rest)
    answer = run(*verb, B)
    assert (answer.status, answer.values("path", "outcome")) == (1, [(B, "failed")])
    assert "ends in the middle of an element" in answer.err


@pytest.mark.parametrize("verb", READERS[:3])
def test_a_large_value_is_there_to_its_end(verb: list[str], run: Run) -> None:
    dataset = pydicom.dcmread(B)
    del dataset.PixelData
    dataset.add_new(0x00420011, "OB", b"x" * 100_000)
    dataset.save_as(B)
    assert run(*verb, B).status == 0
    cut(-100)
    answer = run(*verb, B)
    assert (answer.status, answer.values("path", "outcome")) == (1, [(B, "failed")])
    assert "ends in the middle of (0042,0011)" in answer.err


def test_a_value_that_is_not_shown_is_there_to_its_end(run: Run) -> None:
    cut(place_of(0x00081090) + 10)
    answer = run("ls", B)
    assert (answer.status, answer.values("path", "outcome")) == (1, [(B, "failed")])
    assert "ends in the middle of (0008,1090)" in answer.err


@pytest.mark.parametrize("verb", READERS)
@pytest.mark.parametrize("zeros", [1, 7, 8, 500])
def test_zeros_behind_a_data_set_without_pixels_fill_it_up(
    verb: list[str], zeros: int, run: Run
) -> None:
    dataset = pydicom.dcmread(B)
    del dataset.PixelData
    dataset.save_as(B)
    Path(B).write_bytes(Path(B).read_bytes() + bytes(zeros))
    assert (run(*verb, B).status, run(*verb, B).err) == (0, "")
