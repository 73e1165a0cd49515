"""Creating, changing, renaming and deleting, with every silence of the server."""

from __future__ import annotations

import pytest

from support.sandbox import XNAT

PROJECT = "/data/projects/P1"
SUBJECT = f"{PROJECT}/subjects/S1"
SESSION = f"{SUBJECT}/experiments/MR1"
MR = "xsiType=xnat:mrSessionData"


@pytest.fixture(autouse=True)
def one_session(xnat: XNAT) -> None:
    """A project with a session of one scan."""
    xnat.has_session("P1", "S1", "MR1", scans={"1": {"a.dcm": b"AAAA"}})


def put(xnat: XNAT, path: str, data: bytes = b"") -> tuple[int, str]:
    """The status and text of a PUT."""
    answer = xnat.call("PUT", path, data=data)
    return answer.status_code, answer.text


def test_a_project_is_created_and_updated_with_the_same_answer(xnat: XNAT) -> None:
    assert put(xnat, "/data/projects/P2?name=Two&pi_lastname=Doe") == (200, "")
    assert put(xnat, "/data/projects/P2?description=more") == (200, "")
    found = xnat.fields("/data/projects/P2")
    assert found == {"ID": "P2", "name": "Two", "secondary_ID": "P2", "description": "more"}
    assert xnat.store.accounts.groups("admin") == ["P2_owner"]
    assert xnat.call("GET", "/data/projects/P2/prearchive_code").text == "4"


def test_names_are_taken_whatever_their_case(xnat: XNAT) -> None:
    put(xnat, "/data/projects/P2?name=Two&alias=second")
    assert put(xnat, "/data/projects/P3?name=p1")[0] == 409
    assert put(xnat, "/data/projects/SECOND")[0] == 409
    assert xnat.fields("/data/projects/second")["ID"] == "P2"


def test_the_id_of_a_deleted_project_stays_taken(xnat: XNAT) -> None:
    assert xnat.call("DELETE", f"{PROJECT}?removeFiles=true").status_code == 200
    assert put(xnat, PROJECT)[0] == 403
    assert not (xnat.data / "archive/P1").exists()


def test_posting_a_project_document(xnat: XNAT) -> None:
    document = b'<xnat:Project ID="P2" xmlns:xnat="http://nrg.wustl.edu/xnat"><xnat:name>Two\
</xnat:name></xnat:Project>'
    answer = xnat.call("POST", "/data/projects", data=document)
    assert (answer.status_code, answer.text) == (200, f"{xnat.url}/data/projects/P2")
    assert xnat.call("POST", "/data/projects", data=document).status_code == 409


def test_accessibility_and_prearchive_code(xnat: XNAT) -> None:
    assert put(xnat, f"{PROJECT}/accessibility/public") == (200, "")
    assert xnat.call("GET", f"{PROJECT}/accessibility").text == "public"
    for code in ("9", "0"):
        assert put(xnat, f"{PROJECT}/prearchive_code/{code}") == (200, "")
        assert xnat.call("GET", f"{PROJECT}/prearchive_code").text == code


def test_a_subject_is_created_then_changed(xnat: XNAT) -> None:
    assert put(xnat, f"{PROJECT}/subjects/S2?gender=female&yob=1970") == (201, "XNAT_S00002")
    assert put(xnat, f"{PROJECT}/subjects/S2?group=controls") == (200, "XNAT_S00002")
    assert xnat.fields("/data/subjects/XNAT_S00002")["group"] == "controls"
    stored = xnat.store.items.subject("XNAT_S00002")
    assert stored
    assert stored.fields["demographics/gender"] == "female"
    assert stored.fields["demographics/yob"] == 1970


def test_a_mistyped_subject_is_created(xnat: XNAT) -> None:
    assert put(xnat, f"{PROJECT}/subjects/S11?gender=male")[0] == 201


def test_a_value_against_the_schema_is_a_server_error(xnat: XNAT) -> None:
    assert put(xnat, f"{SUBJECT}?gender=robot")[0] == 500
    document = (
        b'<xnat:Subject label="S9" xmlns:xnat="http://nrg.wustl.edu/xnat"><xnat:demographics>\
<xnat:gender>robot</xnat:gender></xnat:demographics></xnat:Subject>'
    )
    assert xnat.call("POST", f"{PROJECT}/subjects", data=document).status_code == 400


def test_a_label_silences_every_other_parameter(xnat: XNAT) -> None:
    assert put(xnat, f"{SUBJECT}?label=NEW&gender=female") == (200, "")
    stored = xnat.store.items.subject_in("P1", "NEW")
    assert stored and stored.fields == {}
    assert put(xnat, f"{PROJECT}/subjects/NEW/experiments/MR1?label=MR9&note=x") == (200, "")
    assert "note" not in xnat.fields("/data/experiments/XNAT_E00001")


def test_renames_move_the_files_and_refuse_labels_in_use(xnat: XNAT) -> None:
    session = xnat.has_session("P1", "S1", "MR2", scans={"1": {"b.dcm": b"BB"}})
    assert put(xnat, f"{SESSION}?label=MR2")[0] == 409
    assert put(xnat, f"/data/experiments/{session.id}?label=MR3") == (200, "")
    assert (xnat.data / "archive/P1/arc001/MR3/SCANS/1/DICOM/b.dcm").read_bytes() == b"BB"
    path = f"/data/experiments/{session.id}/scans/1/resources/DICOM/files/b.dcm"
    assert xnat.call("GET", path).content == b"BB"


def test_an_experiment_is_created_with_its_subject(xnat: XNAT) -> None:
    path = f"{PROJECT}/subjects/NEW/experiments/CT1?xsiType=xnat:ctSessionData&date=04/30/2024"
    assert put(xnat, path) == (201, "XNAT_E00002")
    found = xnat.fields("/data/experiments/XNAT_E00002")
    assert (found["date"], found["subject_ID"]) == ("2024-04-30", "XNAT_S00002")
    assert put(xnat, f"{path}&note=x") == (200, "XNAT_E00002")


def test_only_the_scoped_route_knows_aliases(xnat: XNAT) -> None:
    assert put(xnat, "/data/experiments/XNAT_E00001?note=flat") == (200, "XNAT_E00001")
    assert put(xnat, f"{PROJECT}/experiments/MR1?note=project")[0] == 200
    assert "note" not in xnat.fields("/data/experiments/XNAT_E00001")
    assert put(xnat, f"{SESSION}?{MR}&note=scoped") == (200, "XNAT_E00001")
    assert xnat.fields("/data/experiments/XNAT_E00001")["note"] == "scoped"


def test_a_path_of_another_type_is_ignored(xnat: XNAT) -> None:
    assert put(xnat, f"{SESSION}?xnat:ctSessionData/note=x")[0] == 200
    assert put(xnat, f"{SESSION}/scans/1?xnat:ctScanData/quality=unusable")[0] == 200
    assert "note" not in xnat.fields("/data/experiments/XNAT_E00001")
    assert xnat.fields("/data/experiments/XNAT_E00001/scans/1")["quality"] == "usable"


def test_custom_variables(xnat: XNAT) -> None:
    field = "fields/field%5Bname%3DX%5D/field=v"
    assert put(xnat, f"{SESSION}?{MR}&xnat:mrSessionData/{field}")[0] == 200
    document = xnat.call("GET", f"{SESSION}?format=json").json()["items"][0]
    (group,) = [child for child in document["children"] if child["field"] == "fields/field"]
    assert group["items"][0]["data_fields"] == {"name": "X", "field": "v"}


def test_a_session_moves_to_the_subject_of_the_path(xnat: XNAT) -> None:
    assert put(xnat, f"{PROJECT}/subjects/S2/experiments/MR1?{MR}") == (200, "XNAT_E00001")
    subject = xnat.store.items.subject_in("P1", "S2")
    assert subject and xnat.fields("/data/experiments/XNAT_E00001")["subject_ID"] == subject.id


def test_locked_items_refuse_changes_and_quarantined_ones_do_not(xnat: XNAT) -> None:
    assert put(xnat, f"{SESSION}?quarantine=true")[0] == 200
    assert xnat.call("GET", f"{SESSION}/status").text == "quarantine"
    assert put(xnat, f"{SESSION}?{MR}&note=x")[0] == 200
    assert put(xnat, f"{SESSION}?_lock=true")[0] == 200
    assert put(xnat, f"{SESSION}?{MR}&note=y")[0] == 403
    assert xnat.call("DELETE", SESSION).status_code == 403
    assert put(xnat, f"{SESSION}?_unlock=true")[0] == 200


def test_a_scan_is_created_and_changed_with_an_empty_answer(xnat: XNAT) -> None:
    scan = "/data/experiments/XNAT_E00001/scans/2"
    assert put(xnat, f"{scan}?xsiType=xnat:mrScanData&type=T2w&frames=12") == (200, "")
    assert put(xnat, f"{scan}?quality=questionable") == (200, "")
    found = xnat.fields(scan)
    assert (found["type"], found["quality"], found["frames"]) == ("T2w", "questionable", 12)


def test_old_servers_want_the_type_of_a_scan_again(xnat: XNAT) -> None:
    xnat.settings.version = "1.8.5"
    scan = "/data/experiments/XNAT_E00001/scans/1"
    assert put(xnat, f"{scan}?quality=unusable")[0] == 417


def test_deletes_leave_the_files_unless_told(xnat: XNAT) -> None:
    scan = "/data/experiments/XNAT_E00001/scans/1"
    assert xnat.call("DELETE", scan).status_code == 200
    assert (xnat.data / "archive/P1/arc001/MR1/SCANS/1/DICOM/a.dcm").exists()
    assert xnat.call("DELETE", f"{SUBJECT}?removeFiles=true").status_code == 200
    assert not (xnat.data / "archive/P1/arc001/MR1").exists()
    assert xnat.store.items.experiment("XNAT_E00001") is None


def test_a_member_changes_but_does_not_delete(xnat: XNAT) -> None:
    bob = xnat.has_user("bob", P1="member")
    assert xnat.call("PUT", f"{SESSION}?{MR}&note=x", user=bob).status_code == 200
    scan = "/data/experiments/XNAT_E00001/scans/1"
    for path in (SUBJECT, SESSION, scan, f"{scan}/resources/DICOM/files/a.dcm", PROJECT):
        assert xnat.call("DELETE", path, user=bob).status_code == 403


def test_assessors_and_reconstructions(xnat: XNAT) -> None:
    session = "/data/experiments/XNAT_E00001"
    created = put(xnat, f"{session}/assessors/QC1?xsiType=xnat:qcManualAssessorData")
    assert created == (201, "XNAT_E00002")
    assert put(xnat, f"{session}/reconstructions/R1?type=mean") == (200, "")
    assert xnat.rows(f"{session}/assessors")[0]["session_label"] == "MR1"
    assert xnat.rows(f"{session}/reconstructions")[0]["type"] == "mean"
    assert xnat.call("DELETE", f"{session}/assessors/QC1").status_code == 200
    assert xnat.rows(f"{session}/assessors") == []


def test_a_site_may_want_reasons(xnat: XNAT) -> None:
    xnat.store.preferences.set("requireChangeJustification", True)
    assert xnat.call("DELETE", SESSION).status_code == 403
    assert put(xnat, f"{SESSION}?{MR}&note=x")[0] == 500
    assert put(xnat, f"{SESSION}?{MR}&note=x&event_reason=because")[0] == 200


def test_a_session_document_brings_its_scans(xnat: XNAT) -> None:
    exported = xnat.call("GET", f"{SESSION}?format=xml").text
    assert '<xnat:scan ID="1"' in exported
    copy = exported.replace('label="MR1"', 'label="MR2"').replace("XNAT_E00001", "")
    headers = {"Content-Type": "text/xml"}
    path = f"{SUBJECT}/experiments/MR2"
    answer = xnat.call("PUT", path, data=copy.encode(), headers=headers)
    assert answer.status_code == 201
    row = xnat.rows(f"/data/experiments/{answer.text}/scans")[0]
    assert (row["ID"], row["type"], row["xsiType"]) == ("1", "T1w", "xnat:mrScanData")


def test_old_versions_stand_beside_the_item(xnat: XNAT) -> None:
    put(xnat, f"{SESSION}?{MR}&note=one")
    put(xnat, f"{SESSION}?{MR}&note=two")
    items = xnat.call("GET", f"{SESSION}?format=json&includeHistory=true").json()["items"]
    notes = [(item["meta"]["isHistory"], item["data_fields"].get("note")) for item in items]
    assert notes == [(False, "two"), (True, None), (True, "one")]
