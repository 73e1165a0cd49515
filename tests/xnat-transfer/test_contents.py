"""Metadata, files and DICOM of every kind arrive as they are."""

from __future__ import annotations

import gzip
import io
import json
import zipfile

from werkzeug.wrappers import Request, Response

from support.transfers import Transfer, everything, notes, series, written


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


def test_a_session_that_holds_nothing_is_made_where_no_metadata_are_wanted(
    transfer: Transfer,
) -> None:
    transfer.source.has_session("A", "S1", "S1_MR1")
    words = ("--config", transfer.config(transfer_xml_metadata=False))
    planned = transfer(*words, "--dry-run").of("session")
    assert [record["outcome"] for record in planned] == ["planned"]
    assert transfer(*words).status == 0
    assert transfer.dest.store.items.experiment_in("B", "S1_MR1") is not None


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
