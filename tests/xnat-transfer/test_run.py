"""What `run` brings to the destination, and what it leaves alone."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from support.transfers import Transfer, anonymize, everything, series, study_of, written


def test_a_session_arrives_with_its_files(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR", "MR")
    ran = transfer()
    assert ran.status == 0, ran.err
    (session,) = ran.of("session")
    assert (session["outcome"], session["files"], session["verified"]) == ("done", 4, True)
    assert everything(transfer.source, "A") == everything(transfer.dest, "B") != {}


def test_a_destination_that_wants_reasons_is_given_one(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR", "MR")
    transfer.dest.store.preferences.set("requireChangeJustification", True)
    ran = transfer("--reason", "move to B")
    assert (ran.status, ran.err) == (0, ""), ran.err
    assert everything(transfer.source, "A") == everything(transfer.dest, "B") != {}
    assert {r.args.get("event_reason") for r in transfer.dest.requests("PUT")} == {"move to B"}


def test_everything_that_a_project_has_arrives(transfer: Transfer) -> None:
    furnish(transfer)
    ran = transfer()
    assert ran.status == 0, ran.err
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")
    (summary,) = ran.of("transfer")
    assert summary["success"]
    assert (summary["subjects_synced"], summary["experiments_synced"]) == (3, 4)


def test_a_second_run_transfers_nothing(transfer: Transfer) -> None:
    furnish(transfer)
    transfer()
    writes = len(written_to(transfer))
    again = transfer()
    assert (again.status, again.files) == (0, 0)
    assert again.outcomes == {"skipped"}
    assert len(written_to(transfer)) == writes


def test_a_second_run_without_the_state_transfers_no_file(
    transfer: Transfer, tmp_path: Path
) -> None:
    furnish(transfer)
    transfer()
    state_file(tmp_path).unlink()
    again = transfer()
    assert (again.status, again.files) == (0, 0)
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


def test_a_damaged_state_is_told_with_what_can_be_done(transfer: Transfer, tmp_path: Path) -> None:
    assert transfer().status == 0
    state_file(tmp_path).write_bytes(b"no database at all, but garbage")
    ran = transfer()
    assert ran.status == 1
    assert "file is not a database; it can be removed" in ran.err


def test_only_a_new_file_of_a_resource_is_sent(transfer: Transfer) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR", resources={"NOTES": notes(20)})
    transfer()
    transfer.source.has_resource(session, "NOTES", {"new.txt": b"new"})
    again = transfer()
    assert (again.status, again.files) == (0, 1)
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


def test_only_a_new_instance_of_a_scan_is_sent(transfer: Transfer) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR", instances=5)
    transfer()
    transfer.has_series(session, "S1", 1, "MR", 6)
    again = transfer()
    assert (again.status, again.files) == (0, 1)
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


def test_a_changed_file_is_sent_again(transfer: Transfer) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR", resources={"NOTES": {"a.txt": b"one"}})
    transfer()
    transfer.source.has_resource(session, "NOTES", {"a.txt": b"two"})
    assert transfer().files == 1
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


def test_a_new_session_of_a_known_subject_is_sent(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    transfer()
    transfer.has_session("S1", "S1_PET1", "PT")
    again = transfer()
    assert (again.status, again.files) == (0, 2)
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


def test_a_session_of_two_modalities_arrives_whole(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_PET1", "PT", "CT", instances=3)
    assert transfer().status == 0
    (session,) = transfer.dest.store.items.experiments_of_project("B")
    assert session.xsi_type == "xnat:petSessionData"
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


def test_what_was_deleted_on_the_destination_is_sent_again(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    (before,) = transfer().of("session")
    transfer.dest.call("DELETE", f"/data/experiments/{before['id']}?removeFiles=true")
    again = transfer()
    assert again.status == 0, again.err
    (after,) = again.of("session")
    assert after["id"] != before["id"]
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


def test_another_session_under_the_same_label_is_a_conflict(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    transfer.has_session("S2", "S2_MR1", "MR")
    transfer()
    transfer.dest.call("DELETE", "/data/projects/B/experiments/S1_MR1?removeFiles=true")
    transfer.dest.has_session("B", "S1", "S1_MR1")
    again = transfer()
    assert again.status == 1
    (conflict,) = [one for one in again.of("session") if one["outcome"] == "failed"]
    assert conflict["error"]["type"] == "TransferConflictError"
    assert [one["outcome"] for one in again.of("session") if one != conflict] == ["skipped"]


@pytest.mark.parametrize("shared", [("S1", "S1_MR1"), ("S1_MR1",)])
@pytest.mark.parametrize("metadata", [True, False])
def test_what_another_project_shares_with_the_destination_is_a_conflict(
    transfer: Transfer, shared: tuple[str, ...], metadata: bool
) -> None:
    transfer.has_session("S1", "S1_MR1", "MR", "MR")
    dest = transfer.dest
    study = study_of("S1", "S1_MR1")
    scans = {"1": series("S1", "S1_MR1", 1, "MR", 2)}
    dest.has_session("X", "S1", "S1_MR1", UID=study, scans=scans)
    dest.store.accounts.join("keeper", "X_owner")
    owned = "/data/projects/X/subjects/S1"
    for name in shared:
        where = owned if name == "S1" else f"{owned}/experiments/{name}"
        assert dest.call("PUT", f"{where}/projects/B").status_code == 200
    before = everything(dest, "X")
    ran = transfer("--config", transfer.config(transfer_xml_metadata=metadata))
    assert ran.status == 1
    assert "it belongs to project X, which shares it" in ran.err
    assert everything(dest, "X") == before
    assert not dest.requests("POST", "/data/services/import")


def test_a_session_that_was_renamed_on_the_destination_is_a_conflict(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    (there,) = transfer().of("session")
    transfer.dest.call("PUT", f"/data/experiments/{there['id']}?label=OTHER")
    again = transfer()
    (conflict,) = again.of("session")
    assert (again.status, conflict["outcome"]) == (1, "failed")
    assert "B/OTHER on the destination now" in again.err


def test_a_session_of_another_subject_is_a_conflict(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    transfer.dest.has_session("B", "S9", "S1_MR1")
    ran = transfer()
    assert ran.status == 1
    assert "it is of subject S9" in ran.err


def test_metadata_arrive(transfer: Transfer) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR", note="left-handed", acquisition_site="X")
    (scan,) = transfer.source.store.items.scans(session.id)
    transfer.source.store.items.update_scan(scan.number, fields={"quality": "questionable"})
    transfer()
    fields = transfer.dest.fields("/data/projects/B/experiments/S1_MR1")
    assert (fields["note"], fields["project"]) == ("left-handed", "B")
    (there,) = transfer.dest.store.items.scans(fields["ID"])
    assert (there.fields["quality"], there.fields["type"]) == ("questionable", "MR 1")


def test_a_scan_without_dicom_is_made(transfer: Transfer) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR")
    transfer.source.has_scan(session, "99")
    assert transfer().status == 0
    (there,) = transfer.dest.store.items.experiments_of_project("B")
    assert [scan.id for scan in transfer.dest.store.items.scans(there.id)] == ["1", "99"]


def test_a_session_without_dicom_is_made(transfer: Transfer) -> None:
    session = transfer.source.has_session("A", "S1", "S1_MR1", resources={"NOTES": notes(2)})
    transfer.source.has_resource(transfer.source.has_scan(session, "5"), "NIFTI", {"a.nii": b"n"})
    assert transfer().status == 0
    assert everything(transfer.source, "A") == everything(transfer.dest, "B") != {}


def test_files_among_dicom_that_are_none_arrive_as_files(transfer: Transfer) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR")
    transfer.source.has_scan(session, "1", {"sidecar.json": b'{"a": 1}', "empty": b""})
    ran = transfer()
    assert ran.status == 0, ran.err
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


def test_archives_among_dicom_are_not_opened_on_the_way(transfer: Transfer) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR")
    inside = io.BytesIO()
    with zipfile.ZipFile(inside, "w") as archive:
        archive.writestr("9.dcm", written(series=1, instance=9, session="S1_MR1"))
    files = {"t1.nii.gz": gzip.compress(b"nifti"), "more.ZIP": inside.getvalue()}
    transfer.source.has_scan(session, "1", files)
    ran = transfer("--config", transfer.config())
    assert ran.status == 0, ran.err
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


def test_what_is_shared_into_the_project_is_transferred_as_it_is_called_there(
    transfer: Transfer,
) -> None:
    source = transfer.source
    for subject in ("X1", "X2"):
        for label in (f"{subject}_MR1", f"{subject}_MR2"):
            scans = {"1": series(subject, label, 1, "MR", 1)}
            source.has_session("OWNER", subject, label, scans=scans)
    shared = (
        "subjects/X1/projects/A?label=HERE",
        "subjects/X1/experiments/X1_MR1/projects/A?label=E1",
        # Its subject is not shared, so that no list of the project's subjects leads to it.
        "subjects/X2/experiments/X2_MR1/projects/A?label=E2",
    )
    for where in shared:
        assert source.call("PUT", f"/data/projects/OWNER/{where}").status_code == 200
    assert transfer("--dry-run").of("transfer")[0]["experiments_synced"] == 2
    ran = transfer()
    assert ran.status == 0, ran.err
    assert {name.rpartition("/scan")[0] for name in everything(transfer.dest, "B")} == {
        *("/HERE/E1", "/X2/E2"),
    }
    assert transfer().outcomes == {"skipped"}


def test_an_experiment_whose_subject_no_listing_tells_is_transferred_once(
    transfer: Transfer,
) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")

    def hide_subject(request: Request, response: Response) -> None:
        if request.path == "/data/projects/A/experiments":
            listed = json.loads(response.data)
            for row in listed["ResultSet"]["Result"]:
                row.pop("subject_ID"), row.pop("subject_label")
            response.data = json.dumps(listed)

    transfer.source.app.after(hide_subject)
    assert len(transfer().of("session")) == 1


def test_a_scan_of_files_that_are_no_dicom_arrives(transfer: Transfer) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR")
    transfer.source.has_scan(session, "2", {"a.img": b"analyze", "a.hdr": b"header"})
    ran = transfer()
    assert ran.status == 0, ran.err
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


def test_an_empty_file_arrives(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR", resources={"EMPTY": {"empty.txt": b""}})
    assert transfer().status == 0
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


def test_an_empty_resource_is_made(transfer: Transfer) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR")
    transfer.source.has_resource(session, "LATER", {}, format="NIFTI")
    assert transfer().status == 0
    found = transfer.dest.store.items.experiment_in("B", "S1_MR1")
    assert found is not None
    (row,) = transfer.dest.rows(f"/data/experiments/{found.id}/resources?format=json")
    assert (row["label"], row["format"]) == ("LATER", "NIFTI")
    assert transfer().outcomes == {"skipped"}


def test_an_assessor_of_a_type_that_the_destination_does_not_know_keeps_nothing_else(
    transfer: Transfer,
) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR", resources={"NOTES": notes(1)})
    with transfer.source.store.database.transaction():
        transfer.source.store.items.create_experiment(
            "A", "ODD", "site:oddAssessorData", session_id=session.id
        )
    ran = transfer()
    assert ran.status != 0
    assert everything(transfer.source, "A") == everything(transfer.dest, "B") != {}


def test_two_labels_that_become_one_are_a_conflict(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1 MR1", "MR", instances=3)
    transfer.has_session("S1", "S1.MR1", "MR", instances=3)
    ran = transfer()
    assert sorted(one["outcome"] for one in ran.of("session")) == ["done", "failed"]
    assert ran.status == 1
    assert len(everything(transfer.dest, "B")) == 3
    assert transfer("--dry-run").outcomes == {"skipped", "failed"}


def test_two_subjects_that_become_one_are_a_conflict(transfer: Transfer) -> None:
    transfer.has_session("S 1", "S1_MR1", "MR")
    transfer.has_session("S.1", "S2_MR1", "MR")
    ran = transfer()
    assert sorted(one["outcome"] for one in ran.of("session")) == ["done", "failed"]
    assert len(everything(transfer.dest, "B")) == 2


def test_subjects_that_differ_only_in_case_are_a_conflict(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    transfer.has_session("s1", "S2_MR1", "MR")
    ran = transfer()
    assert sorted(one["outcome"] for one in ran.of("session")) == ["done", "failed"]
    assert len(everything(transfer.dest, "B")) == 2


def test_a_subject_in_other_letters_is_a_conflict_before_anything_is_sent(
    transfer: Transfer,
) -> None:
    transfer.dest.has_session("B", "s1", "OTHER")
    transfer.has_session("S1", "S1_MR1", "MR")
    for word in ("--dry-run", "--yes"):
        ran = transfer(word)
        assert ran.status == 1
        assert "the import takes it for s1" in ran.err
    assert not written_to(transfer)


def test_nothing_is_asked_so_yes_changes_nothing(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    assert [transfer(word).status for word in ("-y", "--yes")] == [0, 0]


def test_a_session_label_that_is_an_accession_id_of_the_destination_is_a_conflict(
    transfer: Transfer,
) -> None:
    other = transfer.dest.has_session("B", "OTHER", "OTHER_MR1")
    transfer.source.has_session("A", "S1", other.id)
    before = transfer.dest.fields(f"/data/experiments/{other.id}")
    ran = transfer()
    assert ran.status == 1
    assert "that is the accession ID of OTHER_MR1" in ran.err
    assert transfer.dest.fields(f"/data/experiments/{other.id}") == before


def test_a_subject_label_that_is_an_accession_id_of_the_destination_is_a_conflict(
    transfer: Transfer,
) -> None:
    other = transfer.dest.has_subject("B", "OTHER")
    transfer.has_session(other.id, "S1_MR1", "MR")
    ran = transfer()
    assert ran.status == 1
    assert "the destination takes that label for OTHER's" in ran.err
    assert not written_to(transfer)


def test_two_assessors_that_become_one_are_a_conflict(transfer: Transfer) -> None:
    source = transfer.source
    session = transfer.has_session("S1", "S1_MR1", "MR")
    for label in ("QC 1", "QC.1"):
        with source.store.database.transaction():
            assessor = source.store.items.create_experiment(
                "A", label, "xnat:qcManualAssessorData", session_id=session.id
            )
        source.has_resource(assessor, "REPORT", {f"{label}.html": b"<html>"})
    ran = transfer()
    assert ran.status == 1
    assert "is brought to that label" in ran.err
    assert not everything(transfer.dest, "B")


def test_a_session_that_is_named_twice_is_sent_once(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    transfer.has_session("S1", "S1_MR1", "MR", "MR", instances=4)
    record = {"kind": "session", "server": transfer.source.url, "label": "S1_MR1", "project": "A"}
    ran = transfer.fed([record] * 3, monkeypatch)
    assert (ran.status, ran.files) == (0, 8), ran.err
    assert sorted(one["outcome"] for one in ran.records) == ["done", "skipped", "skipped"]


def test_names_that_need_care_arrive_as_they_are(transfer: Transfer) -> None:
    names = ["with space.txt", "umlaut ä.txt", "a+b&c=d.txt", "deep/er/1/x.txt", "100%.txt", "#1;?"]
    session = transfer.has_session(
        "S1", "S1_MR1", "MR", resources={"NOTES": {name: name.encode() for name in names}}
    )
    scan = transfer.source.store.items.scans(session.id)[0]
    transfer.source.has_resource(scan, "SNAPSHOTS", dict.fromkeys(names, b"x"))
    ran = transfer()
    assert ran.status == 0, ran.err
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


def test_a_resource_that_cannot_be_named_there_keeps_nothing_else(transfer: Transfer) -> None:
    there = transfer.dest.has_session("B", "S9", "OTHER", resources={"MINE": {"a.txt": b"mine"}})
    number = transfer.dest.rows(f"/data/experiments/{there.id}/resources?format=json")[0]
    labels = [number["xnat_abstractresource_id"], "my notes", "NOTES"]
    transfer.has_session("S1", "S1_MR1", "MR", resources={name: {"a.txt": b"a"} for name in labels})
    before = everything(transfer.dest, "B")
    ran = transfer()
    assert ran.status != 0
    assert "invalid resource label" in ran.err
    came = {name.split("/")[-2] for name in everything(transfer.dest, "B").keys() - before.keys()}
    assert came == {"DICOM", "NOTES"}
    (session,) = transfer.dest.rows("/data/experiments?label=S1_MR1&columns=ID,label&format=json")
    made = transfer.dest.rows(f"/data/experiments/{session['ID']}/resources?format=json")
    assert [one["label"] for one in made] == ["NOTES"]


def test_dicom_whose_names_the_destination_does_not_keep_is_recognised(transfer: Transfer) -> None:
    files = series("S1", "S1_MR1", 1, "MR", 3)
    renamed = {f"Bild ä {name}": data for name, data in files.items()}
    session = transfer.source.has_session("A", "S1", "S1_MR1")
    transfer.source.has_scan(session, "1", renamed)
    assert transfer().status == 0
    again = transfer()
    assert (again.status, again.files) == (0, 0)


def test_two_series_of_one_number_are_told_apart(transfer: Transfer) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR")
    other = {
        f"other{n}.dcm": written(
            patient="S1",
            session="S1_MR1",
            series=1,
            instance=n,
            series_uid="1.2.3.4",
            study_uid=session.fields["UID"],
        )
        for n in (1, 2)
    }
    scan = transfer.source.has_scan(session, "1-MR1", other)
    transfer.source.store.items.update_scan(scan.number, fields={"UID": "1.2.3.4"})
    assert transfer().status == 0
    assert transfer().files == 0
    (there,) = transfer.dest.store.items.experiments_of_project("B")
    scans = transfer.dest.store.items.scans(there.id)
    assert sorted(len(transfer.dest.files(scan, "DICOM")) for scan in scans) == [2, 2]


def test_sessions_of_records_are_transferred_and_no_others(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    transfer.has_session("S2", "S2_MR1", "MR")
    record = {"kind": "session", "server": transfer.source.url, "label": "S2_MR1", "project": "A"}
    ran = transfer.fed([{**record, "mine": 7}], monkeypatch)
    assert ran.status == 0, ran.err
    (session,) = ran.records
    assert (session["label"], session["project"], session["mine"]) == ("S2_MR1", "B", 7)
    there = transfer.dest.store.items.experiments_of_project("B")
    assert [one.label for one in there] == ["S2_MR1"]


def test_a_dry_run_says_what_would_be_sent_and_changes_nothing(transfer: Transfer) -> None:
    furnish(transfer)
    plan = transfer("--dry-run")
    assert plan.status == 0, plan.err
    assert plan.outcomes == {"planned"}
    assert plan.files == len(everything(transfer.source, "A"))
    assert not written_to(transfer)
    assert not transfer.dest.store.items.subjects_of_project("B")


def test_a_dry_run_says_that_a_subject_will_be_described(transfer: Transfer) -> None:
    transfer.source.has_subject("A", "S1")
    transfer.dest.has_subject("B", "S1")
    (planned,) = transfer("--dry-run").of("subject")
    (done,) = transfer().of("subject")
    assert (planned["outcome"], done["outcome"]) == ("planned", "done")


def test_input_and_output_of_one_label_are_not_taken_for_one(transfer: Transfer) -> None:
    source = transfer.source
    session = transfer.has_session("S1", "S1_MR1")
    with source.store.database.transaction():
        assessor = source.store.items.create_experiment(
            "A", "QC1", "xnat:qcManualAssessorData", session_id=session.id
        )
    for side in ("in", "out"):
        where = f"/data/experiments/{session.id}/assessors/{assessor.id}/{side}/resources/X/files"
        assert (
            source.call(
                "PUT",
                f"{where}/a.txt?inbody=true",
                data=side.encode(),
                headers={"Content-Type": "text/plain"},
            ).status_code
            == 200
        )
    ran = transfer()
    assert ran.status == 1
    assert "assessor QC1, resource X is there twice" in ran.err


def test_a_dry_run_after_a_run_plans_nothing(transfer: Transfer) -> None:
    furnish(transfer)
    transfer()
    assert transfer("--dry-run").outcomes == {"skipped"}


def test_nothing_is_staged_on_disk(transfer: Transfer, tmp_path: Path) -> None:
    furnish(transfer)
    own = tmp_path / "home"
    transfer()
    left = [file for file in own.rglob("*") if file.is_file()]
    assert any(file.name == "transfer.db" for file in left)
    assert all("transfer.db" in file.name or "xnatctl" in str(file) for file in left)
    assert sum(file.stat().st_size for file in left) < 500_000


def test_anonymized_dicom_is_compared_by_name(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR", instances=3)
    anonymize(transfer)
    ran = transfer()
    assert ran.status == 0, ran.err
    assert "rewrites DICOM (anonymization): 3 files were compared by name" in ran.err
    again = transfer()
    assert (again.status, again.files) == (0, 0)


def test_anonymization_that_is_kept_secret_is_told_by_the_dicom_alone(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR", instances=3, resources={"NOTES": notes(2)})
    anonymize(transfer)
    transfer.dest.fails("GET", "/xapi/anonymize", 403, times=100)
    ran = transfer()
    assert ran.status == 0, ran.err
    assert "3 files were compared by name" in ran.err
    again = transfer()
    assert (again.status, again.files) == (0, 0)


def test_anonymized_dicom_that_changes_on_the_source_is_sent_again(transfer: Transfer) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR", instances=2)
    anonymize(transfer)
    transfer()
    files = series("S1", "S1_MR1", 1, "MR", 2)
    name = min(files)
    transfer.source.has_scan(session, "1", {name: files[name] + b"\0\0"})
    assert transfer().files == 2
    assert transfer().files == 0


def test_names_of_patients_do_not_come_back_by_the_metadata(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR", dcmPatientName="Doe^Jane")
    anonymize(transfer)
    assert transfer().status == 0
    fields = transfer.dest.fields("/data/projects/B/experiments/S1_MR1")
    assert fields.get("dcmPatientName") != "Doe^Jane"


def test_dicom_that_the_destination_rejects_is_a_failure(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", "MR", instances=3)
    rejected = iter([True])
    transfer.dest.settings.anonymize = lambda path: not next(rejected, True)
    ran = transfer()
    assert ran.status != 0
    assert ran.of("session")[0]["outcome"] == "failed"


def test_a_bound_leaves_the_rest_for_the_next_run(transfer: Transfer) -> None:
    for number in (1, 2, 3):
        transfer.has_session(f"S{number}", f"S{number}_MR1", "MR")
    ran = transfer("--max-items", 3)
    assert ran.status == 0, ran.err
    left = [one for one in ran.records if one.get("reason") == "max-items"]
    # The project has nothing of its own, and does not count.
    assert len(left) == 3
    assert {one["outcome"] for one in left} == {"skipped"}
    assert transfer().status == 0
    assert everything(transfer.source, "A") == everything(transfer.dest, "B")


# --- what the tests share -----------------------------------------------------------------------


def furnish(transfer: Transfer) -> None:
    """Three subjects with MR and PET sessions, and resources of every kind."""
    source = transfer.source
    project = source.has_project("A")
    source.has_resource(project, "PROTOCOL", {"protocol.pdf": b"%PDF"})
    for number in (1, 2, 3):
        session = transfer.has_session(
            f"S{number}", f"S{number}_MR1", "MR", "MR", resources={"NOTES": notes(2)}
        )
        subject = source.has_subject("A", f"S{number}", gender="female")
        source.has_resource(subject, "FORMS", {"consent.txt": b"yes"})
        for scan in source.store.items.scans(session.id):
            source.has_resource(scan, "NIFTI", {"image.nii.gz": b"\x1f\x8bnifti"})
            source.has_resource(scan, "SNAPSHOTS", {"a.gif": b"GIF", "b.gif": b"GIF2"})
        with source.store.database.transaction():
            assessor = source.store.items.create_experiment(
                "A", f"QC{number}", "xnat:qcManualAssessorData", session_id=session.id
            )
        source.has_resource(assessor, "REPORT", {"report.html": b"<html>"})
    transfer.has_session("S3", "S3_PET1", "PT", "CT")


def notes(count: int) -> dict[str, bytes]:
    """These many small files."""
    return {f"{n}/note {n}.txt": hashlib.md5(bytes([n])).digest() for n in range(count)}


def written_to(transfer: Transfer) -> list[Request]:
    """The requests that changed the destination."""

    def writes() -> Iterator[Request]:
        for method in ("PUT", "POST", "DELETE"):
            for request in transfer.dest.requests(method, "/data"):
                if not request.path.startswith(("/data/JSESSION", "/data/services/auth")):
                    yield request

    return list(writes())


def state_file(tmp_path: Path) -> Path:
    """The database of the state."""
    return tmp_path / "home" / "state" / "xnatctl" / "transfer.db"
