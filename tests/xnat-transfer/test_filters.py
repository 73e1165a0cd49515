"""The configuration: every section of the filters decides what is transferred."""

from __future__ import annotations

from typing import Any

import pytest

from support.transfers import Transfer, everything
from xnat_core.transfer_errors import TransferConfigError
from xnat_transfer.config import TransferConfig, parse

NONE = {"sync_type": "none"}


def only(*items: str) -> dict[str, Any]:
    return {"sync_type": "include", "items": [*items]}


def but(*items: str) -> dict[str, Any]:
    return {"sync_type": "exclude", "items": [*items]}


def of_mr(**rules: Any) -> dict[str, Any]:
    return {"imaging_sessions": {"xsi_types": [{"xsi_type": "xnat:mrSessionData", **rules}]}}


@pytest.fixture
def furnished(transfer: Transfer) -> Transfer:
    """One subject with a bit of everything."""
    source = transfer.source
    source.has_resource(source.has_project("A"), "PROTOCOL", {"p.pdf": b"p"})
    source.has_resource(source.has_project("A"), "DRAFTS", {"d.txt": b"d"})
    mr = transfer.has_session("S1", "S1_MR1", "MR", "MR", resources={"NOTES": {"n.txt": b"n"}})
    subject = source.has_subject("A", "S1")
    source.has_resource(subject, "FORMS", {"f.txt": b"f"})
    source.has_resource(source.store.items.scans(mr.id)[0], "NIFTI", {"i.nii": b"i"})
    pet = transfer.has_session("S1", "S1_PET1", "PT", resources={"NOTES": {"n.txt": b"n"}})
    source.has_resource(source.store.items.scans(pet.id)[0], "NIFTI", {"i.nii": b"i"})
    with source.store.database.transaction():
        create = source.store.items.create_experiment
        qc = create("A", "QC1", "xnat:qcManualAssessorData", session_id=mr.id)
        upd = create("A", "UPDRS1", "xnat:genericSubjectAssessmentData", subject_id=subject.id)
    source.has_resource(qc, "REPORT", {"r.html": b"r"})
    source.has_resource(upd, "FORM", {"u.txt": b"u"})
    return transfer


CASES = {
    "nothing is kept without rules": ({}, []),
    "project resources": ({"project_resources": only("PROTOCOL")}, ["/DRAFTS/"]),
    "subject resources": ({"subject_resources": NONE}, ["/S1/FORMS/"]),
    "subject assessors": (
        {"subject_assessors": but("xnat:genericSubjectAssessmentData")},
        ["/S1/UPDRS1/"],
    ),
    "types of sessions, included": (
        {"imaging_sessions": {**of_mr()["imaging_sessions"], "sync_type": "include"}},
        ["/S1/S1_PET1/"],
    ),
    "types of sessions, excluded": (
        {"imaging_sessions": {"sync_type": "exclude", "items": ["xnat:mrSessionData"]}},
        ["/S1/S1_MR1/"],
    ),
    "types of scans": (of_mr(scan_types=but("MR 1")), ["/S1/S1_MR1/scan 1/"]),
    "resources of scans": (of_mr(scan_resources=only("DICOM")), ["/S1/S1_MR1/scan 1/NIFTI/"]),
    "scans without their DICOM": (
        of_mr(scan_resources=but("DICOM")),
        ["/S1_MR1/scan 1/DICOM", "/S1_MR1/scan 2/DICOM"],
    ),
    "resources of sessions": (of_mr(resources=NONE), ["/S1/S1_MR1/NOTES/"]),
    "assessors of sessions": (of_mr(session_assessors=NONE), ["/S1/S1_MR1/QC1/"]),
}


@pytest.mark.parametrize("case", CASES)
def test_a_rule_keeps_what_it_names_and_nothing_else(furnished: Transfer, case: str) -> None:
    filtering, kept = CASES[case]
    ran = furnished("--config", furnished.config(filtering=filtering))
    assert ran.status == 0, ran.err
    wanted = everything(furnished.source, "A")
    for part in kept:
        assert any(part in name for name in wanted)
        wanted = {name: facts for name, facts in wanted.items() if part not in name}
    assert everything(furnished.dest, "B") == wanted


def test_scans_that_a_rule_keeps_do_not_come_with_the_metadata(furnished: Transfer) -> None:
    furnished("--config", furnished.config(filtering=of_mr(scan_types=but("MR 1"))))
    found = furnished.dest.store.items.experiment_in("B", "S1_MR1")
    assert found is not None
    assert [scan.id for scan in furnished.dest.store.items.scans(found.id)] == ["2"]


def test_an_assessor_that_a_rule_keeps_does_not_come_with_the_metadata(
    furnished: Transfer,
) -> None:
    furnished("--config", furnished.config(filtering=of_mr(session_assessors=NONE)))
    assert furnished.dest.store.items.experiment_in("B", "QC1") is None


def test_the_configuration_names_the_projects(furnished: Transfer) -> None:
    config = furnished.config(source_project="A", dest_project="B")
    ran = furnished.say("run", "-p", "source", "--dest-profile", "dest", "--config", config)
    assert ran.status == 0, ran.err
    assert everything(furnished.source, "A") == everything(furnished.dest, "B")


def test_without_metadata_only_files_are_transferred(furnished: Transfer) -> None:
    furnished("--config", furnished.config(transfer_xml_metadata=False))
    assert everything(furnished.source, "A") == everything(furnished.dest, "B")


def test_without_verification_nothing_is_listed_again(furnished: Transfer) -> None:
    ran = furnished("--config", furnished.config(verify_after_transfer=False))
    assert ran.status == 0
    assert not any(one.get("verified") for one in ran.of("session"))
    assert everything(furnished.source, "A") == everything(furnished.dest, "B")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"max_failure": 1}, "max_failure is no setting; did you mean max_failures?"),
        ({"scan_workers": 0}, "scan_workers: must be at least 1, not 0"),
        ({"scan_workers": True}, "scan_workers: must be a whole number, not True"),
        ({"sync_new_only": "yes"}, "sync_new_only: must be true or false, not 'yes'"),
        ({"filtering": {"resources": {}}}, "filtering.resources is no setting"),
        (
            {"filtering": {"project_resources": {"sync_type": "some"}}},
            "filtering.project_resources.sync_type: must be one of all, none, include, exclude, "
            "not 'some'",
        ),
        (
            {"filtering": {"imaging_sessions": {"xsi_types": [{}]}}},
            "filtering.imaging_sessions.xsi_types[0].xsi_type: must name a type such as "
            "xnat:mrSessionData, not None",
        ),
        (
            {"filtering": {"project_resources": {"items": ["SECRET"]}}},
            "filtering.project_resources.sync_type: must be include or exclude where there are "
            "items, not None",
        ),
        (
            {"filtering": {"imaging_sessions": {"items": ["xnat:ctSessionData"]}}},
            "filtering.imaging_sessions.sync_type: must be include or exclude",
        ),
        (
            {"filtering": {"subject_resources": {"sync_type": "exclude", "items": [1.10]}}},
            "filtering.subject_resources.items: must be names, in quotes where YAML takes them for "
            "something else, not 1.1",
        ),
    ],
)
def test_a_mistake_is_named_with_its_field(data: dict[str, Any], said: str) -> None:
    with pytest.raises(TransferConfigError) as caught:
        parse(data)
    assert said in caught.value.message


def test_what_init_writes_are_the_defaults(transfer: Transfer, capfd: Any) -> None:
    import yaml

    from xnat_transfer.cli import main

    assert main(["init", "-P", "123", "--dest-project", "B"]) == 0
    config = parse(yaml.safe_load(capfd.readouterr().out))
    assert config == TransferConfig(source_project="123", dest_project="B")


def test_init_does_not_replace_a_file(transfer: Transfer) -> None:
    file = transfer.config()
    ran = transfer.say("init", "-f", file)
    assert ran.status == 1
    assert "exists" in ran.err
