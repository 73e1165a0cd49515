"""How instances that are there are recognised, whoever brought them."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.uploads import Uploader
from xnat_core.journal import Accepted, Journal
from xnat_upload.headers import read_file

HERE = ("-P", "P1", "-S", "S1", "-E", "E1")


def foreign_session(upload: Uploader, files: list[Path], scan: str = "1") -> None:
    """The same instances, archived by another client under names of its own."""
    upload.xnat.has_session(
        "P1",
        "S1",
        "E1",
        scans={scan: {f"IM{n:04}": path.read_bytes() for n, path in enumerate(files)}},
    )


@pytest.mark.parametrize("said", [None, "Modality mismatch: the session is of type MR"])
def test_what_is_of_another_modality_joins_images_of_other_names(
    upload: Uploader, monkeypatch: pytest.MonkeyPatch, said: str | None
) -> None:
    if said:
        monkeypatch.setattr("xnat_sandbox.archiver.OTHER_MODALITY", said)
    foreign_session(upload, upload.series(series=1, study_uid="1.2.3"))
    upload.series(series=2, instances=1, modality="SR", study_uid="1.2.3")
    ran = upload(upload.folder, *HERE)
    assert (ran.status, upload.count(), upload.staged()) == (0, 4, []), ran.err


@pytest.mark.parametrize("overwrite", ["append", "delete"])
def test_instances_of_another_client_are_recognised_by_their_bytes(
    upload: Uploader, overwrite: str
) -> None:
    files = upload.series(instances=4)
    foreign_session(upload, files[:2])
    ran = upload(upload.folder, *HERE, "--overwrite", overwrite)
    assert ran.status == 0, ran.err
    names = set(upload.archived()["1"])
    assert len(names) == 4
    assert {"IM0000", "IM0001"} < names
    assert ran.record["files"] == (2 if overwrite == "append" else 4)


@pytest.mark.parametrize("mode", ["tar", "zip", "gradual"])
def test_instances_that_another_client_calls_alike_in_every_scan_are_replaced_and_not_doubled(
    upload: Uploader, mode: str
) -> None:
    scans = {str(number): upload.series(series=number, instances=2) for number in range(1, 5)}
    before = {
        scan: {f"IM{n:04}": path.read_bytes() for n, path in enumerate(files)}
        for scan, files in scans.items()
    }
    upload.xnat.has_session("P1", "S1", "E1", scans=before)
    ran = upload(upload.folder, *HERE, "--overwrite", "delete", "--mode", mode, "-w", 1)
    assert ran.status == 0, ran.err
    assert ran.record["files"] == 8
    assert upload.archived() == before


def test_one_that_is_refused_under_the_name_that_another_client_gave_it_is_left_out(
    upload: Uploader,
) -> None:
    files = upload.series(series=1, study_uid="1.2.3")
    foreign_session(upload, files)
    # With a second modality the server is not asked to pass over what gives it trouble.
    upload.series(series=2, instances=1, modality="SR", study_uid="1.2.3")
    header = read_file(files[1])
    assert header is not None
    upload.xnat.settings.import_fault = lambda uid: (
        "unable to read DICOM object 1-1/IM0001: disk quota" if uid == header.uid else None
    )
    ran = upload(upload.folder, *HERE, "--overwrite", "delete", "-w", 1)
    assert (ran.status, upload.count()) == (1, 4)
    by_kind = {record["kind"]: record for record in ran.records}
    assert by_kind["file"]["path"] == str(files[1])
    assert (by_kind["session"]["outcome"], by_kind["session"]["files"]) == ("done", 3)


def test_anonymized_instances_of_another_client_are_recognised_by_their_number(
    upload: Uploader,
) -> None:
    files = upload.series(series=1, instances=3)
    upload.xnat.has_session(
        "P1", "S1", "E1", scans={"1": {f"IM{n}": b"other" for n in range(len(files))}}
    )
    ran = upload(upload.folder, *HERE)
    assert (ran.status, ran.record["outcome"]) == (0, "skipped")
    assert upload.imports() == []
    assert "the number was compared" in ran.err


def test_anonymized_instances_of_another_client_cannot_be_replaced_and_are_not_doubled(
    upload: Uploader,
) -> None:
    upload.series(series=1, instances=3)
    before = {"1": {f"IM{n}": b"other" for n in range(3)}}
    upload.xnat.has_session("P1", "S1", "E1", scans=before)
    ran = upload(upload.folder, *HERE, "--overwrite", "delete")
    assert (ran.status, upload.imports(), upload.archived()) == (1, [], before)
    assert "3 files are there under other names and with other bytes" in ran.err


def test_instances_of_another_client_are_replaced_where_the_server_anonymizes_now(
    upload: Uploader,
) -> None:
    foreign_session(upload, upload.series(instances=3))

    def blank(path: Path) -> bool:
        path.write_bytes(path.read_bytes().replace(b"SUB001", b"XXXXXX"))
        return True

    upload.xnat.settings.anonymize = blank
    ran = upload(upload.folder, *HERE, "--overwrite", "delete")
    assert (ran.status, ran.record["files"]) == (0, 3), ran.err
    (files,) = upload.archived().values()
    assert [b"XXXXXX" in data for data in files.values()] == [True] * 3


def test_what_changed_meanwhile_and_is_known_by_its_number_has_no_advice_that_ends_alike(
    upload: Uploader,
) -> None:
    first, *_ = upload.series(series=1, instances=3)
    upload.xnat.has_session("P1", "S1", "E1", scans={"1": {f"IM{n}": b"other" for n in range(3)}})
    header = read_file(first)
    assert header is not None
    with Journal(upload.xnat.url, "P1", "S1", "E1") as journal:
        journal.add([Accepted(f"{header.uid}.dcm", "", 1, 1, "0" * 32, "")])
    ran = upload(upload.folder, *HERE, "--overwrite", "append")
    assert (ran.status, upload.imports()) == (1, [])
    assert "1 file is there under other names and with other bytes" in ran.err
    assert "--overwrite append" not in ran.err


def test_what_cannot_be_told_apart_is_not_doubled(upload: Uploader) -> None:
    upload.series(series=1, instances=3)
    upload.xnat.has_session("P1", "S1", "E1", scans={"1": {"IM0": b"other", "IM1": b"other"}})
    ran = upload(upload.folder, *HERE)
    assert (ran.status, upload.imports()) == (1, [])
    assert "scan 1 holds 2 files under names that cannot be told from the 3 here" in ran.err


def test_other_instances_of_the_same_series_are_no_hindrance(upload: Uploader) -> None:
    files = upload.series(instances=8)
    foreign_session(upload, files[:4])
    session = upload.xnat.store.items.experiment_in("P1", "E1")
    assert session is not None
    (scan,) = upload.xnat.store.items.scans(session.id)
    header = read_file(files[0])
    assert header is not None
    upload.xnat.store.items.update_scan(scan.number, fields={"UID": header.series})
    for path in files[:4]:
        path.unlink()
    ran = upload(upload.folder, *HERE)
    assert ran.status == 0, ran.err
    assert len(upload.archived()["1"]) == 8


def test_what_else_lies_beside_the_images_of_a_scan_does_not_count(upload: Uploader) -> None:
    upload.series(instances=3)
    upload(upload.folder, *HERE)
    session = upload.xnat.store.items.experiment_in("P1", "E1")
    assert session is not None
    (scan,) = upload.xnat.store.items.scans(session.id)
    upload.xnat.has_resource(scan, "SNAPSHOTS", {"1.gif": b"gif", "2.gif": b"gif"})
    upload.series(instances=5)
    ran = upload(upload.folder, *HERE)
    assert (ran.status, ran.record["files"]) == (0, 2), ran.err
