"""The keys of every kind of record."""

from __future__ import annotations

import pytest

from xnat_core.models import kinds

# A changed line here changes what every script that reads records relies on.
KEYS = {
    "project": "kind server uri id name secondary_id description keywords accessibility "
    "subject_count session_count insert_date pi",
    "subject": "kind server uri id label project primary_project group gender handedness yob dob "
    "age height weight race ethnicity education src fields session_count insert_date",
    "session": "kind server uri id label project subject subject_id xsi_type modality date time "
    "scanner operator visit_id note uid fields scan_count resource_count insert_date",
    "scan": "kind server uri id project subject subject_id session session_id type "
    "series_description quality condition note frames start_time scanner modality xsi_type uid "
    "file_count file_size",
    "resource": "kind server uri id label project subject subject_id session session_id scan "
    "assessor category format content file_count file_size tags",
    "file": "kind server uri project subject subject_id session session_id scan resource name path "
    "assessor size digest format content tags",
    "prearchive": "kind server uri id label project subject timestamp name status date time "
    "uploaded lastmod uid autoarchive scan_count",
    "upload": "kind server uri project subject session session_id scan resource path files bytes "
    "seconds verified uid known failed warnings",
    "server": "kind server url status version latency_ms authenticated",
    "user": "kind server username firstname lastname email enabled verified groups projects "
    "profile default_project auth_mode",
    "profile": "kind server name url default default_project username verify_ssl ca_bundle timeout "
    "workers overwrite direct_archive archive_mode extract max_connections "
    "reason",
    "event": "kind server id label project resource timestamp user action data_type status reason",
    "setting": "kind server id value",
    "token": "kind server id username created_at expires_at secret path",
    "dicom": "kind server path folder source study_uid series_uid instance_uid sop_class modality "
    "date study_description series_number series_description instance_number patient_id "
    "patient_name patient_birth_date patient_sex series_count files bytes valid errors "
    "warnings changed tags",
    "dicom_tag": "kind server path tag vr keyword name value",
    "shard": "kind server id path digest records size state failed host pid output",
    "pipeline": "kind server id project name engine command description version image root "
    "applies_to path",
    "job": "kind server uri id project session session_id pipeline status percent step start_time "
    "end_time user details",
}


def test_every_kind_of_record_is_pinned() -> None:
    assert list(kinds()) == list(KEYS)


@pytest.mark.parametrize("kind", KEYS)
def test_a_record_has_these_keys_in_this_order(kind: str) -> None:
    keys = kinds()[kind].record_keys()
    assert [line.key for line in keys] == KEYS[kind].split()
    assert all(line.doc and not line.doc.endswith(".") for line in keys)
