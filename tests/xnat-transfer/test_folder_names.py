"""Folders and files that the source calls otherwise in its archives than in its listings."""

from __future__ import annotations

import json

import pytest
from werkzeug.wrappers import Request, Response

from support.transfers import Transfer, everything


def list_backwards(request: Request, response: Response) -> None:
    """A listing of files has another order than an archive."""
    if request.path.endswith("/files") and request.args.get("format") == "json":
        listed = json.loads(response.data)
        listed["ResultSet"]["Result"].reverse()
        response.data = json.dumps(listed)


@pytest.mark.parametrize("folders", [("1", "2", "a"), ("b/1", "1/b", "a")])
def test_folders_with_the_id_of_the_scan_are_not_taken_for_others(
    transfer: Transfer, folders: tuple[str, ...]
) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR")
    scan = transfer.source.store.items.scans(session.id)[0]
    files = {f"{folder}/slice.raw": folder[:1].encode() for folder in folders}
    transfer.source.has_resource(scan, "RAW", files)
    transfer.source.app.after(list_backwards)
    ran = transfer("--config", transfer.config())
    assert ran.status == 0, ran.err
    assert everything(transfer.source, "A") == everything(transfer.dest, "B") != {}


def test_files_that_are_called_by_the_id_of_the_session_arrive(transfer: Transfer) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR")
    names = (f"{session.id}.txt", f"{session.id}/a.txt", "b/a.txt")
    files = {name: str(number).encode() for number, name in enumerate(names)}
    transfer.source.has_resource(session, "NOTES", files)
    transfer.source.app.after(list_backwards)
    ran = transfer("--config", transfer.config())
    assert ran.status == 0, ran.err
    assert everything(transfer.source, "A") == everything(transfer.dest, "B") != {}


@pytest.mark.parametrize("digest", ["digest", "''"])
def test_a_file_of_a_scan_whose_type_is_the_id_of_another_is_not_taken_for_that_ones(
    transfer: Transfer, digest: str
) -> None:
    session = transfer.has_session("S1", "S1_MR1")
    for id, type, data in (("2", "T1w", b"other"), ("T1w", "localizer", b"own..")):
        scan = transfer.source.has_scan(session, id, type=type)
        transfer.source.has_resource(scan, "NIFTI", {"a.nii": data})
    transfer.source.store.database.execute(f"UPDATE file SET digest={digest}")
    without = {"sync_type": "exclude", "items": ["T1w"]}
    rules = {"xsi_types": [{"xsi_type": "xnat:mrSessionData", "scan_types": without}]}
    ran = transfer("--config", transfer.config(filtering={"imaging_sessions": rules}))
    assert ran.status == 0, ran.err
    (there,) = transfer.dest.store.items.experiments_of_project("B")
    (scan,) = transfer.dest.store.items.scans(there.id)
    assert (scan.id, transfer.dest.files(scan, "NIFTI")) == ("T1w", {"a.nii": b"own.."})


def test_a_single_file_is_not_that_of_a_scan_whose_type_is_the_id_of_its_own(
    transfer: Transfer,
) -> None:
    session = transfer.has_session("S1", "S1_MR1")
    source = transfer.source
    other = source.has_scan(session, "2", type="T1w")
    own = source.has_scan(session, "T1w", type="localizer")
    source.has_resource(own, "NIFTI", {f"{number}.nii": b"12345" for number in range(5)})
    without = {"sync_type": "exclude", "items": ["T1w"]}
    rules = {"xsi_types": [{"xsi_type": "xnat:mrSessionData", "scan_types": without}]}
    config = transfer.config(filtering={"imaging_sessions": rules}, sync_new_only=False)
    assert transfer("--config", config).status == 0
    source.has_resource(other, "NIFTI", {"new.nii": b"other"})
    source.has_resource(own, "NIFTI", {"new.nii": b"own.."})
    source.store.database.execute("UPDATE file SET digest=''")
    ran = transfer("--config", config)
    assert (ran.status, ran.files) == (0, 1), ran.err
    (there,) = transfer.dest.store.items.experiments_of_project("B")
    (scan,) = transfer.dest.store.items.scans(there.id)
    assert transfer.dest.files(scan, "NIFTI")["new.nii"] == b"own.."


def test_a_file_that_is_there_is_not_taken_for_one_of_its_name_that_is_missing(
    transfer: Transfer,
) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR")
    source = transfer.source
    scan = source.store.items.scans(session.id)[0]
    source.has_resource(scan, "RAW", {f"2/{scan.id}/slice.raw": b"there"})
    source.store.database.execute("UPDATE file SET digest=''")
    config = transfer.config(sync_new_only=False)
    assert transfer("--config", config).status == 0
    source.has_resource(scan, "RAW", {f"3/{scan.id}/slice.raw": b"new..", "most.raw": bytes(99)})
    source.store.database.execute("UPDATE file SET digest=''")
    ran = transfer("--config", config)
    assert (ran.status, ran.files) == (0, 2), ran.err
    (there,) = transfer.dest.store.items.experiments_of_project("B")
    (scan,) = transfer.dest.store.items.scans(there.id)
    found = transfer.dest.files(scan, "RAW")
    assert found[f"2/{scan.id}/slice.raw"] == b"there"
    assert found[f"3/{scan.id}/slice.raw"] == b"new.."


@pytest.mark.parametrize("folders", [("1", "1-MR_1"), ("1-MR_1", "1")])
def test_of_two_files_that_the_source_calls_alike_in_its_archive_neither_is_guessed(
    transfer: Transfer, folders: tuple[str, ...]
) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR")
    scan = transfer.source.store.items.scans(session.id)[0]
    files = {f"{folder}/slice.raw": folder[-1:].encode() for folder in folders}
    transfer.source.has_resource(scan, "RAW", {**files, "most.raw": bytes(99)})
    transfer.source.store.database.execute("UPDATE file SET digest=''")
    ran = transfer("--config", transfer.config())
    assert ran.status == 0, ran.err
    (there,) = transfer.dest.store.items.experiments_of_project("B")
    (scan,) = transfer.dest.store.items.scans(there.id)
    assert transfer.dest.files(scan, "RAW") == {**files, "most.raw": bytes(99)}


@pytest.mark.parametrize("digest", ["digest", "''"])
def test_files_of_a_shared_session_are_known_by_the_label_that_it_has_at_home(
    transfer: Transfer, digest: str
) -> None:
    source, items = transfer.source, transfer.source.store.items
    session = source.has_session("HOME", "S1", "S1_HOME")
    items.share(source.has_subject("HOME", "S1").id, "A")
    items.share(session.id, "A", label="S1_MR1")
    files = {f"{session.id}/a.txt": b"own", "b/a.txt": b"old"}
    source.has_resource(session, "NOTES", files)
    source.store.database.execute(f"UPDATE file SET digest={digest}")
    source.app.after(list_backwards)
    ran = transfer("--config", transfer.config())
    assert ran.status == 0, ran.err
    (there,) = transfer.dest.store.items.experiments_of_project("B")
    assert transfer.dest.files(there, "NOTES") == files


def test_a_file_that_is_there_is_not_taken_for_a_missing_one_of_a_shared_session(
    transfer: Transfer,
) -> None:
    source, items = transfer.source, transfer.source.store.items
    session = source.has_session("HOME", "S1", "S1_HOME")
    items.share(source.has_subject("HOME", "S1").id, "A")
    items.share(session.id, "A", label="S1_MR1")
    source.has_resource(session, "NOTES", {f"{session.id}/a.txt": b"there"})
    source.store.database.execute("UPDATE file SET digest=''")
    config = transfer.config(sync_new_only=False)
    assert transfer("--config", config).status == 0
    source.has_resource(session, "NOTES", {"b/a.txt": b"new..", "most.txt": bytes(99)})
    source.store.database.execute("UPDATE file SET digest=''")
    source.app.after(list_backwards)
    ran = transfer("--config", config)
    assert (ran.status, ran.files) == (0, 2), ran.err
    (there,) = transfer.dest.store.items.experiments_of_project("B")
    assert transfer.dest.files(there, "NOTES")["b/a.txt"] == b"new.."
