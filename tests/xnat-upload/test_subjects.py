"""Whose session it is: of another subject, of one that is called alike, of another project."""

from __future__ import annotations

import pytest

from support.uploads import Uploader

HERE = ("-P", "P1", "-S", "S1", "-E", "E1")


@pytest.mark.parametrize("mode", ["tar", "gradual"])
def test_a_session_of_another_subject_is_refused_before_anything_is_sent(
    upload: Uploader, mode: str
) -> None:
    upload.series(series=1)
    upload(upload.folder, *HERE)
    before = len(upload.imports())
    other = (upload.folder, "-P", "P1", "-S", "S2", "-E", "E1", "--mode", mode)
    same = upload(*other)
    upload.series(series=2)
    more = upload(*other)
    for ran in (same, more):
        assert (ran.status, ran.record["outcome"]) == (2, "failed")
        assert "session 'E1' of project P1 is one of subject 'S1', not of 'S2'" in ran.err
    assert (len(upload.imports()), upload.staged()) == (before, [])


@pytest.mark.parametrize("mode", ["tar", "gradual"])
def test_what_waits_in_the_prearchive_for_another_subject_is_not_said_to_wait_for_this_one(
    upload: Uploader, mode: str
) -> None:
    upload.series(series=1)
    upload(upload.folder, "-P", "P1", "-S", "S2", "-E", "E1", "--prearchive")
    before = len(upload.imports())
    words = (upload.folder, *HERE, "--mode", mode)
    same = upload(*words, "--prearchive")
    upload.series(series=2)
    more = upload(*words, "--prearchive")
    for ran in (same, more):
        assert (ran.status, ran.record["outcome"]) == (2, "failed")
        assert "waits in the prearchive for subject 'S2', not for 'S1'" in ran.err
    assert len(upload.imports()) == before
    archived = upload(*words)
    assert (archived.status, archived.record["subject"], upload.count()) == (0, "S1", 6)


def test_the_server_matches_subjects_without_regard_to_case(upload: Uploader) -> None:
    upload.series(series=1)
    upload(upload.folder, *HERE)
    upload.series(series=2)
    ran = upload(upload.folder, "-P", "P1", "-S", "s1", "-E", "E1")
    assert (ran.status, ran.record["subject"], upload.count()) == (0, "S1", 6), ran.err
    assert "the server takes subject 's1' for 'S1'" in ran.err


@pytest.mark.parametrize("mode", ["tar", "gradual"])
@pytest.mark.parametrize("subject", ["S1", "s1"])
def test_no_session_is_made_for_one_of_two_subjects_that_the_server_takes_for_the_same(
    upload: Uploader, subject: str, mode: str
) -> None:
    for label in ("S1", "s1"):
        upload.xnat.has_subject("P1", label)
    upload.series()
    ran = upload(upload.folder, "-P", "P1", "-S", subject, "-E", "E1", "--mode", mode)
    assert (ran.status, upload.imports()) == (2, [])
    assert "the project has the subjects 'S1' and 's1', which the server does not tell" in ran.err


def test_a_session_that_is_only_shared_is_refused_before_anything_is_sent(
    upload: Uploader,
) -> None:
    session = upload.xnat.has_session("P2", "S1", "E1")
    where = f"/data/projects/P2/subjects/S1/experiments/{session.id}/projects/P1"
    assert upload.xnat.call("PUT", where).status_code == 200
    upload.series()
    ran = upload(upload.folder, *HERE)
    assert (ran.status, upload.imports()) == (2, [])
    assert "session 'E1' belongs to project P2 and is only shared into P1" in ran.err


@pytest.mark.parametrize("mode", ["tar", "gradual"])
@pytest.mark.parametrize("project", ["P1", "P2"])
def test_a_patient_who_is_called_by_the_id_of_another_subject_is_not_filed_under_that_one(
    upload: Uploader, project: str, mode: str
) -> None:
    # As the data of another XNAT are, whose subjects have no labels but their IDs.
    other = upload.xnat.has_subject(project, "ANN")
    upload.series(patient=other.id)
    ran = upload(upload.folder, "-P", "P1", "-E", "E1", "--mode", mode)
    assert (ran.status, upload.imports()) == (2, [])
    assert f"subject {other.id!r} is the accession ID of subject 'ANN' of {project}" in ran.err


def test_ids_of_another_form_are_seen_as_well(
    upload: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload.xnat.store.items, "new_accession", lambda kind: "000123")
    assert upload.xnat.has_subject("P2", "ANN").id == "000123"
    upload.series(patient="000123")
    ran = upload(upload.folder, "-P", "P1", "-E", "E1")
    assert (ran.status, upload.imports()) == (2, [])
    assert "subject '000123' is the accession ID of subject 'ANN' of P2" in ran.err


def test_a_patient_whose_subject_has_the_id_of_another_for_its_label_is_filed_under_it(
    upload: Uploader,
) -> None:
    other = upload.xnat.has_subject("P2", "ANN")
    labelled = upload.xnat.has_subject("P1", other.id)
    upload.series(patient=other.id)
    assert upload(upload.folder, "-P", "P1", "-E", "E1").status == 0
    session = upload.xnat.store.items.experiment_in("P1", "E1")
    assert session is not None and session.subject_id == labelled.id


def test_a_patient_is_filed_under_the_subject_of_the_project_that_has_no_label_but_its_id(
    upload: Uploader,
) -> None:
    there = upload.xnat.store.items.create_subject("P1", "")
    upload.series(patient=there.id)
    assert upload(upload.folder, "-P", "P1", "-E", "E1").status == 0
    session = upload.xnat.store.items.experiment_in("P1", "E1")
    assert session is not None and session.subject_id == there.id


def test_a_subject_of_the_project_can_be_named_by_its_id(upload: Uploader) -> None:
    there, elsewhere = upload.xnat.has_subject("P1", "ANN"), upload.xnat.has_subject("P2", "BOB")
    upload.series()
    words = (upload.folder, "-P", "P1", "-E", "E1", "-S")
    refused = upload(*words, elsewhere.id)
    assert (refused.status, upload.imports()) == (2, [])
    assert (upload(*words, there.id).record["subject"], upload.count()) == ("ANN", 3)


def test_a_session_whose_subject_its_project_does_not_show_is_left_alone(upload: Uploader) -> None:
    upload.series(instances=2)
    session = upload.xnat.has_session("P2", "S1", "E1")
    where = "/data/projects/P2/subjects/S1/experiments/E1/projects/P1?primary=true"
    assert upload.xnat.call("PUT", where).status_code == 200
    ran = upload(upload.folder, "-P", "P1", "-S", "S1", "-E", "E1")
    assert (ran.status, upload.staged()) == (2, []), ran.err
    assert "session 'E1': project P1 does not show its subject 'S1'" in ran.err
    assert f"xnat-edit share -P P2 -S {session.subject_id} P1" in ran.err
    share = "/data/projects/P2/subjects/S1/projects/P1"
    assert upload.xnat.call("PUT", share).status_code == 200
    ran = upload(upload.folder, "-P", "P1", "-S", "S1", "-E", "E1")
    assert (ran.status, upload.staged()) == (0, []), ran.err
