"""What --overwrite allows and forbids, and how instances are recognised."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path

import pytest
from pydicom import dcmread
from werkzeug.wrappers import Request, Response

from support.imports import send_zip
from support.uploads import Sent, Uploader
from xnat_core.http import retries
from xnat_core.journal import Accepted, Journal
from xnat_sandbox.samples import write_series
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


def test_what_is_of_another_modality_joins_images_of_other_names(upload: Uploader) -> None:
    foreign_session(upload, upload.series(series=1, study_uid="1.2.3"))
    upload.series(series=2, instances=1, modality="SR", study_uid="1.2.3")
    ran = upload(upload.folder, *HERE)
    assert (ran.status, upload.count(), upload.staged()) == (0, 4, []), ran.err


def test_none_touches_no_session_that_is_archived(upload: Uploader) -> None:
    upload.xnat.has_session("P1", "S1", "E1", scans={"9": {"a.dcm": b"other"}})
    upload.series()
    ran = upload(upload.folder, *HERE, "--overwrite", "none")
    assert ran.status == 1
    assert upload.imports() == []
    assert "session 'E1' already exists in the archive of P1" in ran.err
    assert "--overwrite append" in ran.err


def test_none_touches_no_session_that_waits_in_the_prearchive(upload: Uploader) -> None:
    upload.series(series=1)
    upload(upload.folder, *HERE, "--prearchive")
    upload.series(series=2)
    before = len(upload.imports())
    ran = upload(upload.folder, *HERE, "--overwrite", "none")
    assert (ran.status, len(upload.imports())) == (1, before)
    assert "in the prearchive of P1" in ran.err


def test_none_makes_a_new_session(upload: Uploader) -> None:
    upload.series()
    ran = upload(upload.folder, *HERE, "--overwrite", "none")
    assert (ran.status, upload.count()) == (0, 3)
    assert not any("overwrite" in request.args for request in upload.imports())


def test_none_touches_no_session_that_somebody_made_after_a_run_that_brought_nothing(
    upload: Uploader,
) -> None:
    upload.series()
    upload.xnat.fails("POST", "/data/services/import", 500, times=4)
    words = (upload.folder, *HERE, "--overwrite", "none", "--workers", 1)
    assert upload(*words).status == 1
    upload.xnat.has_session("P1", "S1", "E1", scans={"9": {"a.dcm": b"other"}})
    before = len(upload.imports())
    ran = upload(*words)
    assert (ran.status, len(upload.imports())) == (1, before)
    assert "already exists in the archive" in ran.err


def test_none_has_nothing_to_say_where_everything_is_there_already(upload: Uploader) -> None:
    upload.series()
    upload(upload.folder, *HERE)
    ran = upload(upload.folder, *HERE, "--overwrite", "none")
    assert (ran.status, ran.record["outcome"]) == (0, "skipped")


def test_none_has_nothing_to_say_where_everything_waits_in_the_prearchive(
    upload: Uploader,
) -> None:
    upload.series()
    words = (upload.folder, *HERE, "--prearchive", "--overwrite", "none")
    assert upload(*words).status == 0
    before = len(upload.imports())
    ran = upload(*words)
    assert (ran.status, len(upload.imports())) == (0, before), ran.err
    assert ran.record["outcome"] == "skipped"


def test_append_adds_what_is_missing_and_replaces_nothing(upload: Uploader) -> None:
    sent = Sent(upload.xnat)
    upload.series(series=1)
    upload(upload.folder, *HERE)
    upload.series(series=2)
    assert upload(upload.folder, *HERE, "--overwrite", "append").status == 0
    assert upload.count() == 6
    assert len(sent.uids) == 6


def by_uid(files: Iterable[Path]) -> dict[str, bytes]:
    """Files under the names that uploads give them."""
    named = {}
    for path in files:
        header = read_file(path)
        assert header is not None
        named[f"{header.uid}.dcm"] = path.read_bytes()
    return named


def staged_beside(upload: Uploader, files: dict[str, bytes]) -> None:
    """What another run has brought of the same session at the same time, left in the prearchive."""
    answer = send_zip(
        upload.xnat,
        files,
        project="P1",
        subject="S1",
        session="E1",
        dest="/prearchive/projects/P1",
    )
    assert answer.status_code == 200


def test_what_another_run_has_brought_at_the_same_time_is_no_conflict(upload: Uploader) -> None:
    first = upload.series(series=1)
    upload(upload.folder, *HERE)
    second = upload.series(series=2)
    staged_beside(upload, by_uid([*first, *second]))
    before = len(upload.imports())
    ran = upload(upload.folder, *HERE, "--overwrite", "append")
    assert (ran.status, upload.staged(), upload.count()) == (0, [], 6), ran.err
    assert len(upload.imports()) == before


@pytest.mark.parametrize("words", [(), ("--overwrite", "append")])
@pytest.mark.parametrize("more", [False, True])
def test_what_another_run_has_staged_with_other_bytes_replaces_nothing(
    upload: Uploader, words: tuple[str, ...], more: bool
) -> None:
    files = upload.series(series=1)
    upload(upload.folder, *HERE)
    archived = upload.archived()
    here = by_uid(files)
    last = [*here][-1]
    staged_beside(upload, {**here, last: here[last][:-2] + b"xx"})
    if more:
        upload.series(series=2)
    for _ in range(2):
        ran = upload(upload.folder, *HERE, *words)
        assert (ran.status, len(upload.staged()), upload.archived()) == (1, 1, archived)
    assert "already exists with matching files" in ran.err


def test_delete_sends_all_again_and_doubles_nothing(upload: Uploader) -> None:
    sent = Sent(upload.xnat)
    upload.series()
    upload(upload.folder, *HERE)
    ran = upload(upload.folder, *HERE, "--overwrite", "delete")
    assert ran.status == 0, ran.err
    assert (ran.record["files"], len(sent.uids), upload.count()) == (3, 6, 3)


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
    assert "their number was compared" in ran.err


def test_anonymized_instances_of_another_client_cannot_be_replaced_and_are_not_doubled(
    upload: Uploader,
) -> None:
    upload.series(series=1, instances=3)
    before = {"1": {f"IM{n}": b"other" for n in range(3)}}
    upload.xnat.has_session("P1", "S1", "E1", scans=before)
    ran = upload(upload.folder, *HERE, "--overwrite", "delete")
    assert (ran.status, upload.imports(), upload.archived()) == (1, [], before)
    assert "3 of its files are there under other names and with other bytes" in ran.err


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
    assert "1 of its files are there under other names and with other bytes" in ran.err
    assert "--overwrite append" not in ran.err


def test_what_cannot_be_told_apart_is_not_doubled(upload: Uploader) -> None:
    upload.series(series=1, instances=3)
    upload.xnat.has_session("P1", "S1", "E1", scans={"1": {"IM0": b"other", "IM1": b"other"}})
    ran = upload(upload.folder, *HERE)
    assert (ran.status, upload.imports()) == (1, [])
    assert "scan 1 holds 2 files under names that cannot be told from the 3 here" in ran.err


def test_series_of_one_number_are_not_taken_for_each_other(upload: Uploader) -> None:
    for letter in "ab":
        write_series(upload.folder / letter, instances=2, series_uid=f"1.2.3.{letter == 'b':d}")
    theirs = sorted((upload.folder / "b").iterdir())
    staged_beside(upload, {f"IM{n}": path.read_bytes() for n, path in enumerate(theirs)})
    ran = upload(upload.folder, *HERE, "--prearchive")
    assert (ran.status, len(upload.imports())) == (1, 1)
    assert "scan 1 holds 2 files under names that cannot be told from the 4 here" in ran.err


def test_a_series_without_a_uid_is_not_taken_for_every_scan(upload: Uploader) -> None:
    theirs = upload.series(series=1)
    staged_beside(upload, {f"IM{n}": path.read_bytes() for n, path in enumerate(theirs)})
    for path in theirs:
        path.unlink()
    for path in upload.series(series=7):
        dataset = dcmread(path)
        del dataset.SeriesInstanceUID
        dataset.save_as(path)
    ran = upload(upload.folder, *HERE, "--prearchive")
    assert (ran.status, ran.record["files"]) == (0, 3), ran.err


def test_anonymization_on_receipt_is_said_and_is_no_failure(upload: Uploader) -> None:
    def blank(path: Path) -> bool:
        path.write_bytes(path.read_bytes().replace(b"SUB001", b"XXXXXX"))
        return True

    upload.xnat.settings.anonymize = blank
    script = '(0010,0010) := "XXXXXX"'
    headers = {"Content-Type": "text/plain"}
    upload.xnat.call("PUT", "/xapi/anonymize/site", data=script, headers=headers)
    upload.series()
    ran = upload(upload.folder, *HERE, "--verify")
    assert (ran.status, ran.record["verified"]) == (0, True), ran.err
    assert "the server changed all 3 files" in ran.err
    again = upload(upload.folder, *HERE)
    assert again.record["outcome"] == "skipped"


def test_one_file_that_differs_is_a_warning_and_with_verify_a_failure(upload: Uploader) -> None:
    upload.series()
    upload(upload.folder, *HERE)
    session = upload.xnat.store.items.experiment_in("P1", "E1")
    assert session is not None
    (scan,) = upload.xnat.store.items.scans(session.id)
    name = next(iter(upload.archived()["1"]))
    upload.xnat.has_resource(scan, "DICOM", {name: b"damaged"})
    ran = upload(upload.folder, *HERE, "--verify")
    assert ran.status == 8
    assert "1 files have another MD5 on the server" in ran.err


@pytest.mark.parametrize("mode", ["tar", "zip", "gradual"])
@pytest.mark.parametrize("everything", [False, True])
def test_what_was_damaged_on_its_way_is_found_by_verify_and_sent_again(
    upload: Uploader, mode: str, everything: bool
) -> None:
    files = upload.series()
    whole = upload.xnat.settings.anonymize

    def spoil(path: Path) -> bool:
        if everything or path.read_bytes() == files[1].read_bytes():
            path.write_bytes(path.read_bytes()[:-4] + b"oops")
        return True

    upload.xnat.settings.anonymize = spoil
    words = (upload.folder, *HERE, "--mode", mode, "--verify")
    first = upload(*words)
    assert first.status == 8, first.err
    assert "have another MD5 on the server than was sent" in first.err
    upload.xnat.settings.anonymize = whole
    ran = upload(*words)
    assert (ran.status, ran.record["verified"]) == (0, True), ran.err
    assert ran.record["files"] == (3 if everything else 1)
    assert set(upload.archived()["1"].values()) == {path.read_bytes() for path in files}


def test_what_arrived_altered_is_sent_again_by_delete(upload: Uploader) -> None:
    files = upload.series()
    whole = upload.xnat.settings.anonymize

    def spoil(path: Path) -> bool:
        if path.read_bytes() == files[1].read_bytes():
            path.write_bytes(path.read_bytes()[:-4] + b"oops")
        return True

    upload.xnat.settings.anonymize = spoil
    assert upload(upload.folder, *HERE, "--verify").status == 8
    upload.xnat.settings.anonymize = whole
    ran = upload(upload.folder, *HERE, "--verify", "--overwrite", "delete")
    assert (ran.status, ran.record["verified"]) == (0, True), ran.err
    assert set(upload.archived()["1"].values()) == {path.read_bytes() for path in files}


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


def test_what_could_not_be_replaced_is_no_success_although_it_is_listed(
    upload: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "FIRST_PAUSE", 0.001)
    for series in (1, 2):
        upload.series(series=series)
    upload(upload.folder, *HERE)
    first = itertools.count()

    def only_one(request: Request) -> Response | None:
        if request.path != "/data/services/import" or next(first) == 0:
            return None
        return Response(status=503)

    upload.xnat.before(only_one)
    ran = upload(upload.folder, *HERE, "--overwrite", "delete", "--workers", "2")
    assert (ran.status, ran.record["outcome"]) == (4, "failed")
    assert "503" in ran.err
