"""A whole exam folder: DICOM as a session, the rest as its resources."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.sandbox import XNAT
from xnat_sandbox.samples import write_series
from xnat_upload.cli import main

Run = Callable[..., tuple[int, list[dict[str, Any]], str]]
TARGET = ("-P", "P1", "-S", "S1", "-E", "E1")


@pytest.fixture(autouse=True)
def exam(xnat: XNAT, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Two series, two folders of other files, two loose files, and hidden ones."""
    monkeypatch.setenv("XNAT_URL", xnat.url)
    monkeypatch.setenv("XNAT_USER", "admin")
    monkeypatch.setenv("XNAT_PASS", "admin")
    xnat.has_project("P1")
    root = tmp_path / "exam"
    for series in (1, 2):
        write_series(root / "dicom" / str(series), series=series, instances=3, study_uid="1.2.3")
    (root / "dicom" / "notes.txt").write_text("a side-car of the DICOM")
    for name, text in {
        "Physio/pulse.log": "p",
        "Physio/deep/resp.log": "r",
        "Stim/run.csv": "s",
        "README.txt": "hello",
        "scan.img": "no dicom",
        ".hidden": "x",
        ".cache/y": "y",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return root


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def tool(*argv: str, root: str = "exam") -> tuple[int, list[dict[str, Any]], str]:
        status = main(["exam", root, *TARGET, *argv])
        out, err = capfd.readouterr()
        return status, [json.loads(line) for line in out.splitlines()], err

    return tool


def files(xnat: XNAT) -> dict[str, list[str]]:
    """The resources of the session and the paths in them."""
    (row,) = xnat.rows("/data/projects/P1/experiments?format=json")
    found: dict[str, list[str]] = {}
    for resource in xnat.rows(f"/data/experiments/{row['ID']}/resources?format=json"):
        label = resource["label"]
        listed = xnat.rows(f"/data/experiments/{row['ID']}/resources/{label}/files?format=json")
        found[label] = sorted(entry["URI"].split("/files/")[1] for entry in listed)
    return found


def test_everything_of_an_exam_arrives_in_its_place(run: Run, xnat: XNAT) -> None:
    status, (record,), err = run()
    assert status == 0
    assert err == "xnat-upload: exam: 1 file looks like DICOM without being it: passed over\n"
    assert (record["outcome"], record["label"], record["exam_root"]) == ("done", "E1", "exam")
    assert record["dicom"] == {"skipped": False, "total": 6, "uploaded": 6}
    assert record["resources"] == {
        "skipped": False,
        "resource_dirs": ["Physio", "Stim"],
        "misc_files": 2,
        "misc_label": "MISC",
        "uploaded": 5,
    }
    assert files(xnat) == {
        "MISC": ["README.txt", "scan.img"],
        "Physio": ["deep/resp.log", "pulse.log"],
        "Stim": ["run.csv"],
    }


def test_the_same_again_sends_nothing(run: Run, xnat: XNAT) -> None:
    run()
    before = len(xnat.requests("PUT")) + len(xnat.requests("POST", "/data/services/import"))
    status, (record,), _ = run()
    assert (status, record["outcome"]) == (0, "skipped")
    after = len(xnat.requests("PUT")) + len(xnat.requests("POST", "/data/services/import"))
    assert after == before


def test_a_dry_run_lists_the_resources_and_sends_nothing(run: Run, xnat: XNAT) -> None:
    status, (record,), _ = run("--dry-run")
    assert (status, record["outcome"]) == (0, "planned")
    assert record["resources"]["resource_dirs"] == ["Physio", "Stim"]
    assert xnat.requests("PUT") == xnat.requests("POST", "/data/services") == []


def test_only_the_dicom_or_only_the_resources(run: Run, xnat: XNAT) -> None:
    assert run("--skip-resources")[0] == 0
    assert files(xnat) == {}
    status, (record,), _ = run("--attach-only", "--misc-label", "LOOSE")
    assert (status, record["dicom"]["skipped"]) == (0, True)
    assert sorted(files(xnat)) == ["LOOSE", "Physio", "Stim"]


def test_a_wait_that_runs_out_keeps_the_dicom_and_prints_the_command_that_goes_on(
    run: Run, xnat: XNAT
) -> None:
    status, records, err = run("--prearchive", "--wait", "0.2", "--wait-interval", "0.1")
    assert status == 1
    assert records[-1]["outcome"] == "failed"
    assert records[-1]["dicom"]["uploaded"] == 6
    assert "xnat-upload exam exam -P P1 -S S1 -E E1 --attach-only" in err
    assert len(xnat.rows("/data/prearchive?format=json")) == 1


def test_resources_alone_of_a_session_that_is_not_there_do_not_pretend_that_dicom_was_sent(
    run: Run,
) -> None:
    status, (record,), err = run("--attach-only", "--wait", "1.5", "--wait-interval", "0.1")
    assert (status, record["outcome"]) == (5, "failed")
    assert "waiting up to 1.5 s for session P1/E1" in err
    assert "session 'P1/E1' not found, and has not come within 1.5 s" in err


def test_the_command_that_goes_on_can_be_pasted(xnat: XNAT, run: Run, exam: Path) -> None:
    exam.rename(exam.with_name("the exam"))
    _, _, err = run("--prearchive", "--wait", "0.2", "--wait-interval", "0.1", root="the exam")
    assert "xnat-upload exam 'the exam' -P P1 -S S1 -E E1 --attach-only" in err


def test_the_command_that_goes_on_does_what_this_one_would_have(xnat: XNAT, run: Run) -> None:
    words = ("--misc-label", "LOOSE", "--overwrite", "--url", xnat.url)
    _, _, err = run("--prearchive", "--wait", "0.2", "--wait-interval", "0.1", *words)
    assert f"--attach-only --misc-label LOOSE --overwrite --url {xnat.url}\n" in err


def test_without_dicom_it_is_an_error_unless_only_resources_are_wanted(
    run: Run, xnat: XNAT, exam: Path
) -> None:
    for path in (exam / "dicom").rglob("*.dcm"):
        path.unlink()
    status, _, err = run()
    assert (status, "no DICOM found" in err) == (1, True)
    xnat.has_session("P1", "S1", "E1")
    assert run("--attach-only")[0] == 0
    assert "dicom" in files(xnat)


def test_resources_that_fail_do_not_undo_the_rest(run: Run, xnat: XNAT) -> None:
    run("--skip-resources")
    xnat.has_resource(xnat.store.items.experiment_in("P1", "E1"), "Stim", {"run.csv": b"other"})  # type: ignore[arg-type]
    status, records, err = run()
    assert status == 1
    assert [r["outcome"] for r in records] == ["failed", "done"]
    assert "'Stim/run.csv' already exists with other content" in err
    assert "Physio" in files(xnat)


def test_the_archive_may_take_its_time(
    run: Run, make_xnat: Any, monkeypatch: pytest.MonkeyPatch, xnat: XNAT
) -> None:
    slow = make_xnat(replace(xnat.settings, archive_delay=0.5))
    monkeypatch.setenv("XNAT_URL", slow.url)
    slow.has_project("P1")
    assert run("--wait-interval", "0.1")[0] == 0
    assert sorted(files(slow)) == ["MISC", "Physio", "Stim"]


def test_loose_files_and_a_folder_of_their_label_become_one_resource(
    run: Run, xnat: XNAT, exam: Path
) -> None:
    (exam / "MISC").mkdir()
    (exam / "MISC" / "deep.txt").write_text("deep")
    assert run()[0] == 0
    assert files(xnat)["MISC"] == ["README.txt", "deep.txt", "scan.img"]


def test_two_files_for_one_place_are_refused_before_anything_is_sent(
    run: Run, xnat: XNAT, exam: Path
) -> None:
    (exam / "MISC").mkdir()
    (exam / "MISC" / "README.txt").write_text("another one")
    status, _, err = run()
    assert (status, xnat.requests("POST", "/data/services/import")) == (1, [])
    assert "would both become MISC/README.txt" in err


def test_a_folder_whose_name_is_no_label(run: Run, xnat: XNAT, exam: Path) -> None:
    (exam / "Stim").rename(exam / "Stim & logs")
    (exam / "Physio").rename(exam / "2024")
    status, records, err = run()
    assert (status, records[-1]["resources"]["uploaded"]) == (2, 3)
    assert "resource label '2024'" in err
    assert set(files(xnat)) == {"MISC", "Stim___logs"}


def test_a_folder_of_digits_is_not_taken_for_the_number_of_a_resource(
    run: Run, xnat: XNAT, exam: Path
) -> None:
    run("--skip-resources")
    notes = xnat.has_resource(xnat.store.items.experiment_in("P1", "E1"), "NOTES", {})  # type: ignore[arg-type]
    (exam / "Physio").rename(exam / str(notes.number))
    status, _, err = run("--attach-only")
    assert status == 2
    assert f"resource label '{notes.number}'" in err
    assert files(xnat)["NOTES"] == []


def test_resources_are_not_attached_to_a_session_of_another_subject(run: Run, xnat: XNAT) -> None:
    session = xnat.has_session("P1", "S9", "E1")
    status, records, err = run("--attach-only")
    assert (status, [record["outcome"] for record in records]) == (2, ["failed"])
    assert "is one of subject 'S9', not of 'S1'" in err
    assert xnat.rows(f"/data/experiments/{session.id}/resources?format=json") == []


def test_resources_are_not_attached_to_a_session_that_is_only_shared(run: Run, xnat: XNAT) -> None:
    session = xnat.has_session("P2", "S1", "E1")
    for where in ("/data/projects/P2/subjects/S1", f"/data/experiments/{session.id}"):
        xnat.call("PUT", f"{where}/projects/P1")
    status, _, err = run("--attach-only")
    assert (status, "belongs to project P2 and is only shared into P1" in err) == (2, True)
    assert xnat.rows(f"/data/experiments/{session.id}/resources?format=json") == []


@pytest.mark.parametrize("study", ["1.2.3", "9.9.9"])
def test_resources_are_not_attached_to_what_is_archived_under_the_label_of_what_waits(
    run: Run, xnat: XNAT, study: str
) -> None:
    xnat.has_session("P1", "S1", "E1", UID=study)
    status, records, err = run("--prearchive", "--wait", "0")
    assert (status, records[-1]["outcome"]) == (1, "failed")
    assert "E1: the DICOM was sent, but the session is not archived after 0 s" in err
    assert files(xnat) == {}


@pytest.mark.parametrize("word", ["--prearchive", "--attach-only"])
def test_a_label_is_not_taken_for_the_id_of_a_session_of_another_project(
    xnat: XNAT, word: str
) -> None:
    other = xnat.has_session("P2", "S1", "MR1")
    assert main(["exam", "exam", *TARGET[:4], "-E", other.id, word, "--wait", "0"]) in (1, 5)
    assert xnat.rows(f"/data/experiments/{other.id}/resources?format=json") == []


def test_several_studies_are_refused_with_what_can_be_done(
    run: Run, xnat: XNAT, exam: Path
) -> None:
    write_series(exam / "more", series=3, study_uid="1.2.4")
    status, _, err = run()
    assert (status, xnat.requests("POST", "/data/services/import")) == (2, [])
    assert "holds 2 studies" in err
    assert "'xnat-upload dicom' makes a session of each without -E" in err


def test_a_zip_of_dicom_is_no_file_of_a_resource_besides(
    run: Run, xnat: XNAT, exam: Path, tmp_path: Path
) -> None:
    (exam / "more").mkdir()
    paths = write_series(tmp_path / "other", series=5, instances=3, study_uid="1.2.3")
    for archive in (exam / "loose.zip", exam / "more" / "packed.zip", exam / "Stim" / "other.zip"):
        with zipfile.ZipFile(archive, "w") as target:
            for path in paths if archive.name != "other.zip" else []:
                target.write(path, path.name)
    status, records, err = run()
    assert (status, records[-1]["dicom"]["total"]) == (0, 9), err
    assert files(xnat) == {
        "MISC": ["README.txt", "scan.img"],
        "Physio": ["deep/resp.log", "pulse.log"],
        "Stim": ["other.zip", "run.csv"],
    }


def test_archives_that_are_attached_are_not_said_to_be_left_out_or_damaged(
    run: Run, xnat: XNAT, exam: Path
) -> None:
    for name in ("raw.tar.gz", "odd.zip"):
        (exam / "Stim" / name).write_bytes(b"packed in a way of its own")
    status, _, err = run()
    assert (status, "tars in folders" in err) == (0, False), err
    assert files(xnat)["Stim"] == ["odd.zip", "raw.tar.gz", "run.csv"]


def test_a_damaged_file_among_dicom_is_not_passed_over_in_silence(
    run: Run, xnat: XNAT, exam: Path
) -> None:
    damaged, *_ = sorted((exam / "dicom" / "1").iterdir())
    damaged.write_bytes(damaged.read_bytes()[:200])
    status, (failure, record), _ = run()
    assert (status, failure["path"], failure["outcome"]) == (
        1,
        str(damaged.relative_to(exam.parent)),
        "failed",
    )
    assert (record["dicom"]["total"], record["resources"]["uploaded"]) == (5, 5)


def test_what_names_the_patient_is_not_attached_as_it_is(run: Run, xnat: XNAT, exam: Path) -> None:
    whole = next((exam / "dicom" / "1").iterdir()).read_bytes()
    (exam / "DICOMDIR").write_bytes(whole)
    (exam / "Physio" / "cut.dcm").write_bytes(whole[:200])
    status, _, err = run()
    assert (status, "Physio/cut.dcm" in err) == (1, True)
    assert files(xnat) == {"MISC": ["README.txt", "scan.img"], "Stim": ["run.csv"]}


def test_a_zip_of_nothing_but_damaged_dicom_is_not_attached_as_it_is(
    run: Run, xnat: XNAT, exam: Path
) -> None:
    whole = next((exam / "dicom" / "1").iterdir()).read_bytes()
    with zipfile.ZipFile(exam / "Physio" / "cut.zip", "w") as target:
        target.writestr("cut.dcm", whole[:200])
    status, _, err = run()
    assert (status, "cut.zip: cut.dcm" in err) == (1, True)
    assert files(xnat) == {"MISC": ["README.txt", "scan.img"], "Stim": ["run.csv"]}


def test_a_tar_among_dicom_is_told_with_what_can_be_done(run: Run, exam: Path) -> None:
    (exam / "dicom" / "more.tar").write_bytes(b"")
    status, _, err = run()
    assert status == 0, err
    # The exam itself takes no names of archives.
    assert "name them to 'xnat-upload dicom', or unpack them" in err


@pytest.mark.parametrize(
    ("root", "why"), [("exam/README.txt", "must be a directory"), ("nowhere", "does not exist")]
)
def test_a_root_that_is_no_folder_is_told(root: str, why: str, run: Run) -> None:
    status, _, err = run(root=root)
    assert (status, err) == (2, f"xnat-upload: {root}: {why}\n")


def test_a_folder_that_cannot_be_read_whole_is_not_uploaded_in_part(
    run: Run, exam: Path, xnat: XNAT
) -> None:
    (exam / "Physio" / "lost.log").symlink_to(exam / "nowhere.log")
    status, _, err = run()
    assert (status, "lost.log" in err) == (1, True), err
    assert xnat.requests("POST", "/data/services/import") == []


def test_a_link_among_dicom_that_leads_nowhere_is_passed_over_and_told(
    xnat: XNAT, run: Run, exam: Path
) -> None:
    (exam / "dicom" / "0.dcm").symlink_to("nowhere")
    status, (record,), err = run()
    assert (status, record["dicom"]["total"]) == (0, 6)
    assert "links that lead nowhere (1) were passed over, the first: exam/dicom/0.dcm\n" in err
