"""The parts that need no server: names, templates, selections, the crew."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from xnat_core.errors import NetworkError, PathValidationError, UsageError
from xnat_download.crew import Crew, Work
from xnat_download.inventory import FETCHED, MISSING, Inventory
from xnat_download.members import MemberName, originals, read_name, scan_candidates
from xnat_download.places import Place
from xnat_download.selection import Selection, scan_ids
from xnat_download.template import Template

SCAN = Place("scan", "P1", "S1", "XNAT_S1", "MR1", "XNAT_E1", owner="4")


@pytest.mark.parametrize(
    ("place", "folder"),
    [
        (SCAN, "MR1/scans/4/resources/DICOM/files"),
        (Place("session", "P1", session="MR.1"), "MR.1/resources/DICOM/files"),
        (Place("session", "P1", session="MR1", folder="x"), "x/resources/DICOM/files"),
        (Place("session", session_id="XNAT_E1"), "XNAT_E1/resources/DICOM/files"),
        (
            Place("assessor", session="MR1", owner="QC", direction="out"),
            "MR1/assessors/QC/resources/DICOM/files",
        ),
        (
            Place("reconstruction", session="MR1", owner="r1", direction="in"),
            "MR1/reconstructions/r1/in/resources/DICOM/files",
        ),
        (Place("subject", "P1", "S1"), "subjects/S1/resources/DICOM/files"),
        (Place("project", "P1"), "projects/P1/resources/DICOM/files"),
    ],
)
def test_every_place_has_its_folder(place: Place, folder: str) -> None:
    assert place.of_resource("DICOM") == folder


@pytest.mark.parametrize("label", ["", ".", "..", "a/b"])
def test_a_label_that_is_no_folder_is_refused(label: str) -> None:
    with pytest.raises(PathValidationError):
        SCAN.of_resource(label)


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("{project}/{subject}/{session}/{scan}-{type}/{name}", "P1/S1/MR1/4-T1_w/a.dcm"),
        ("{session_id}/{scan}_{series}/{path}", "XNAT_E1/4/d/a.dcm"),
        ("{scan}/{resource}-{name}", "4/DICOM-a.dcm"),
        ("{assessor}/{scan}/{name}", "4/a.dcm"),
        ("all {name}", "all a.dcm"),
    ],
)
def test_a_template_makes_paths(template: str, path: str) -> None:
    made = Template(template).destination(SCAN, "DICOM", "d/a.dcm", {"type": "T1 / w"})
    assert made == path


def test_what_has_no_value_leaves_no_dash() -> None:
    session = Place("session", "P1", "S1", session="MR1")
    template = Template("{session}/{scan}-{type}/{name}")
    assert template.destination(session, "NOTES", "n.txt", {}) == "MR1/n.txt"
    assert template.destination(SCAN, "DICOM", "n.txt", {"type": ""}) == "MR1/4/n.txt"


def test_a_template_knows_which_folder_is_of_one_session() -> None:
    assert Template("{project}/{session}/{scan}/{name}").session_folder(SCAN) == "P1/MR1"
    assert Template("{scan}/{name}").session_folder(SCAN) == ""
    assert Template("{scan}/{session}/{name}").session_folder(SCAN) == ""


@pytest.mark.parametrize(
    "text",
    ["", "{session}", "/{name}", "a/../{name}", "{nope}/{name}", "{name!r}", "{name:9}", "{"],
)
def test_a_wrong_template_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--layout"):
        Template(text)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("MR1/scans/4-T1/resources/DICOM/files/a", MemberName("4-T1", "DICOM", "a", "MR1")),
        ("P/S/MR1/scans/4/resources/R/files/d/a", MemberName("4", "R", "d/a", "P")),
        (
            "MR1/resources/R/files/resources/x/files/a",
            MemberName(None, "R", "resources/x/files/a", "MR1"),
        ),
        ("MR1/assessors/A/out/resources/R/files/a", MemberName(None, "R", "a", "MR1")),
        ("resources/resources/R/files/a", MemberName(None, "R", "a", "resources")),
        ("MR1/scans/4/DICOM/a", None),
        ("MR1/resources/R/files", None),
        ("a", None),
    ],
)
def test_member_names_are_read_between_their_landmarks(
    name: str, expected: MemberName | None
) -> None:
    assert read_name(name) == expected


def test_what_a_member_may_have_been_called() -> None:
    scan, labels = ("4-T1", "4"), (("MR1", "E1"),)
    assert list(originals("a", scan, labels)) == ["a"]
    assert list(originals("4-T1/a", scan, labels)) == ["4-T1/a", "4/a"]
    assert list(originals("d/MR1.nii", scan, labels)) == ["d/MR1.nii", "d/E1.nii"]
    assert len(list(originals("/".join(["4-T1"] * 20), scan, labels))) == 64


def test_scans_behind_their_written_names() -> None:
    assert scan_candidates("4-T1w") == ["4", "4-T1w"]
    assert scan_candidates("4") == ["4"]
    assert scan_candidates("1-MR1-T1") == ["1-MR1", "1-MR1-T1"]


@pytest.mark.parametrize("text", [None, "*", "ALL"])
def test_all_scans(text: str | None) -> None:
    assert scan_ids(text) is None


def test_some_scans() -> None:
    assert scan_ids("1, 2-MR1") == frozenset({"1", "2-MR1"})
    with pytest.raises(UsageError):
        scan_ids(",")


def test_a_file_of_a_reconstruction_is_covered_only_where_those_are_wanted() -> None:
    file = {"uri": "/data/experiments/E1/reconstructions/r1/resources/7/files/a", "resource": "R"}
    assert not Selection(session_resources=True).covers(file)
    assert Selection(assessors=True).covers(file)


def test_a_pattern_matches_the_name_or_the_path() -> None:
    selection = Selection(pattern="d/*.nii")
    assert selection.takes_file("d/a.nii")
    assert not selection.takes_file("a.nii")
    assert Selection(pattern="a*").takes_file("d/a.nii")


def test_an_inventory_is_read_while_it_changes() -> None:
    inventory = Inventory()
    for number in range(1200):
        assert inventory.add(0, f"{number:05}", 1, None)
    assert not inventory.add(0, "00000", 1, None)
    inventory.add(1, "x", 5, None)
    for file in inventory.files(0, MISSING):
        inventory.mark(file.id, FETCHED, "md5")
    assert inventory.total(0, FETCHED) == (1200, 1200)
    assert inventory.total(state=MISSING) == (1, 5)
    assert len(list(inventory.files())) == 1201


def done(work: Iterable[Work] = ()) -> Work:
    """A step that begets these."""
    return lambda: work


def test_work_begets_work_depth_first() -> None:
    order: list[str] = []

    def step(name: str, *more: Work) -> Work:
        def work() -> tuple[Work, ...]:
            order.append(name)
            return more

        return work

    Crew(1).run([step("a", step("a1", step("a11")), step("a2")), step("b")])
    assert order == ["a", "a1", "a11", "a2", "b"]


def test_input_is_read_only_so_far_ahead() -> None:
    read: list[int] = []
    gate = threading.Event()

    def roots() -> Iterator[Work]:
        for number in range(50):
            read.append(number)
            yield lambda: [done()] if gate.wait(5) else []

    crew = threading.Thread(target=Crew(2).run, args=(roots(),))
    crew.start()
    time.sleep(0.2)
    ahead = len(read)
    gate.set()
    crew.join(10)
    assert ahead <= 5
    assert len(read) == 50


def test_an_error_stops_the_crew() -> None:
    def broken() -> Any:
        raise NetworkError("server")

    with pytest.raises(NetworkError):
        Crew(2).run([broken, *[done()] * 5])


def test_an_error_of_the_input_comes_out() -> None:
    def roots() -> Iterator[Work]:
        yield done()
        raise UsageError("input")

    with pytest.raises(UsageError):
        Crew(2).run(roots())


def test_no_input_is_no_work() -> None:
    Crew(3).run([])
