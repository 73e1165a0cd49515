"""xnat-ls scans."""

from __future__ import annotations

import pytest

from support.answers import Run
from support.sandbox import XNAT


@pytest.mark.parametrize("test", ["qualty!=usable", "qualty=", "qualty!=x"])
def test_a_misspelled_key_lets_nothing_pass(xnat: XNAT, ls: Run, test: str) -> None:
    xnat.has_session("P1", "S1", "MR1", {"1": {"a.dcm": b"a"}, "2": {"b.dcm": b"b"}})
    answer = ls("scans", "-P", "P1", "-E", "MR1", "--where", test)
    assert (answer.status, answer.out) == (2, "")
    assert "no scan has 'qualty'; did you mean quality?" in answer.err
    for fine in ("note!=bad", "quality!=bad", "of_another_tool!=x"):
        assert len(ls("scans", "-P", "P1", "-E", "MR1", "--where", fine).records) == 2


def test_a_record_that_is_handed_on_tells_nothing_of_the_keys_of_scans(xnat: XNAT, ls: Run) -> None:
    session = xnat.has_session("P1", "S1", "MR1", {"1": {"a.dcm": b"a"}})
    known = {"kind": "session", "server": xnat.url, "id": session.id, "label": "MR1"}
    records = [{**known, "outcome": "planned"}, known]
    answer = ls("scans", "--where", "qualty!=usable", records=records)
    assert (answer.status, answer.values("kind")) == (2, ["session"])
    # Sessions have an `xsi_type` instead.
    answer = ls("scans", "--where", "type!=bold", records=records)
    assert (answer.status, answer.values("kind")) == (0, ["session", "scan"])


def test_scans_of_a_session_in_natural_order(xnat: XNAT, ls: Run) -> None:
    session = xnat.has_session("P1", "S1", "MR1", {"10": {}, "2": {}})
    for words in (("-P", "P1", "-E", "MR1"), ("--experiment", session.id)):
        answer = ls("scans", *words)
        assert answer.values("id") == ["2", "10"]
    assert answer.records[0] == {
        "kind": "scan",
        "server": xnat.url,
        "uri": f"/data/experiments/{session.id}/scans/2",
        "id": "2",
        "project": "P1",
        "subject": "S1",
        "subject_id": session.subject_id,
        "session": "MR1",
        "session_id": session.id,
        "type": "T1w",
        "quality": "usable",
        "modality": "MR",
        "xsi_type": "xnat:mrScanData",
    }


def test_a_table_has_id_type_description_quality_and_frames(xnat: XNAT, ls: Run) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    xnat.store.items.create_scan(
        session.id,
        "1",
        "xnat:mrScanData",
        fields={"type": "T1w", "series_description": "MPRAGE", "frames": "176"},
    )
    assert ls("scans", "-E", session.id, "-o", "tsv").out == (
        "id\ttype\tseries_description\tquality\tframes\n1\tT1w\tMPRAGE\t\t176\n"
    )


def test_scans_of_a_whole_project_and_of_a_subject(xnat: XNAT, ls: Run) -> None:
    xnat.has_session("P1", "S1", "MR1", {"1": {}})
    xnat.has_session("P1", "S2", "MR2", {"1": {}, "2": {}})
    xnat.has_session("P2", "S1", "MR3", {"1": {}})
    assert ls("scans", "-P", "P1").values("session", "id") == [
        ("MR1", "1"),
        ("MR2", "1"),
        ("MR2", "2"),
    ]
    assert ls("scans", "-P", "P1", "-S", "S2").values("session", "id") == [
        ("MR2", "1"),
        ("MR2", "2"),
    ]


def test_session_records_give_their_scans_one_request_each(xnat: XNAT, ls: Run) -> None:
    for number in range(1, 4):
        xnat.has_session("P1", "S1", f"MR{number}", {"1": {}})
    sessions = ls("sessions", "-P", "P1").records
    before = len(xnat.requests("GET", "/data"))
    answer = ls("scans", records=sessions)
    assert answer.values("session", "subject", "id") == [
        ("MR1", "S1", "1"),
        ("MR2", "S1", "1"),
        ("MR3", "S1", "1"),
    ]
    assert len(xnat.requests("GET", "/data/experiments")) == 3
    assert before == 1


def test_a_session_that_is_gone_does_not_stop_the_rest(xnat: XNAT, ls: Run) -> None:
    session = xnat.has_session("P1", "S1", "MR1", {"1": {}})
    answer = ls(
        "scans",
        records=[{"kind": "session", "id": "XNAT_E99"}, {"kind": "session", "id": session.id}],
    )
    assert answer.status == 5
    assert answer.values("kind", "id", "outcome") == [
        ("session", "XNAT_E99", "failed"),
        ("scan", "1", None),
    ]
    assert answer.err.startswith("xnat-ls: session 'XNAT_E99' not found\n")


def test_an_unknown_session_is_told(ls: Run) -> None:
    answer = ls("scans", "-E", "XNAT_E99")
    assert answer.status == 5
    assert answer.err.startswith("xnat-ls: session 'XNAT_E99' not found\n")


def test_scans_named_must_exist(xnat: XNAT, ls: Run) -> None:
    xnat.has_session("P1", "S1", "MR1", {"1": {}, "2": {}})
    answer = ls("scans", "-P", "P1", "-E", "MR1", "2", "9")
    assert answer.status == 5
    assert answer.values("id", "outcome") == [("2", None), ("9", "failed")]
    assert answer.err.startswith("xnat-ls: scan 'MR1/9' not found\n")


def test_a_scan_without_a_session_is_a_usage_error(ls: Run) -> None:
    answer = ls("scans", "4")
    assert (answer.status, answer.out) == (2, "")
    assert "the scans of which session? -E SESSION" in answer.err


def test_long_tells_the_resources(xnat: XNAT, ls: Run) -> None:
    session = xnat.has_session("P1", "S1", "MR1", {"1": {"a.dcm": b"abc"}, "2": {}})
    for words in (("-E", session.id, "1"), ("-E", session.id)):
        record = ls("scans", "--long", *words).records[0]
        assert (record["file_count"], record["file_size"]) == (1, 3)
        assert record["resources"] == [
            {"label": "DICOM", "format": "DICOM", "file_count": 1, "file_size": 3}
        ]


def test_long_tells_no_count_that_the_server_has_not_made(xnat: XNAT, ls: Run) -> None:
    """It counts files when asked to; until then none would be said of a scan that has some."""
    session = xnat.has_session("P1", "S1", "MR1", {"1": {"a.dcm": b"abc"}, "2": {}, "3": {}})
    rows = [
        {"xnat_abstractresource_id": n, "label": label, "category": "scans", "cat_id": scan}
        | {"file_count": count, "file_size": size}
        for n, label, scan, count, size in (
            ("7", "DICOM", "1", "", ""),
            ("8", "DICOM", "2", "4", "40"),
            ("9", "SNAPSHOTS", "2", "", ""),
        )
    ]
    path = f"/data/experiments/{session.id}/resources"
    xnat.server.expect_request(path).respond_with_json({"ResultSet": {"Result": rows}})
    known = ls("scans", "--long", "-E", session.id).values("id", "file_count", "file_size")
    assert known == [("1", None, None), ("2", None, None), ("3", 0, 0)]


def test_long_tells_the_series_however_the_scan_is_named(xnat: XNAT, ls: Run) -> None:
    session = xnat.has_session("P1", "S1", "MR1")
    xnat.store.items.create_scan(session.id, "1", "xnat:mrScanData", fields={"UID": "1.2.3"})
    listed = ls("scans", "--long", "-E", session.id).records
    assert [record["uid"] for record in listed] == ["1.2.3"]
    assert ls("scans", "--long", records=listed).records == listed


def test_scan_records_are_looked_up_again(xnat: XNAT, ls: Run) -> None:
    session = xnat.has_session("P1", "S1", "MR1", {"1": {"a.dcm": b"abc"}})
    records = [
        {"kind": "scan", "id": "1", "session": "MR1", "session_id": session.id},
        {"kind": "scan", "id": "2", "session": "MR1", "session_id": session.id},
        {"kind": "scan", "id": "3"},
    ]
    answer = ls("scans", "--long", records=records)
    assert answer.status == 5
    assert answer.values("id", "outcome", "file_count") == [
        ("1", None, 1),
        ("2", "failed", None),
        ("3", "failed", None),
    ]


def test_project_records_give_all_their_scans(xnat: XNAT, ls: Run) -> None:
    xnat.has_session("P1", "S1", "MR1", {"1": {}})
    records = [{"kind": "project", "id": "P9"}, {"kind": "project", "id": "P1"}]
    answer = ls("scans", records=records)
    assert answer.status == 5
    assert answer.values("kind", "id", "outcome") == [
        ("project", "P9", "failed"),
        ("scan", "1", None),
    ]


def test_a_record_of_no_server_leaves_the_others(xnat: XNAT, ls: Run) -> None:
    session = xnat.has_session("P1", "S1", "MR1", scans={"1": {}})
    record = {"kind": "session", "id": session.id}
    records = [{**record, "server": "nonsense"}, {**record, "server": xnat.url}]
    answer = ls("scans", records=records)
    assert [found["kind"] for found in answer.records] == ["input", "scan"]
    assert "invalid URL 'nonsense'" in answer.err


def test_no_records_give_nothing(ls: Run) -> None:
    answer = ls("scans", records=[])
    assert (answer.status, answer.out) == (0, "")


def test_where_filters_scans(xnat: XNAT, ls: Run) -> None:
    session = xnat.has_session("P1", "S1", "MR1", {"1": {}})
    xnat.has_scan(session, "2", type="bold")
    assert ls("scans", "-P", "P1", "--where", "type=bold", "-q").out == "2\n"


@pytest.mark.parametrize("owner", [("-P", "P1"), ("-P", "P1", "-S", "S1")])
def test_a_session_where_a_scan_is_meant_is_told_once(
    xnat: XNAT, ls: Run, owner: tuple[str, ...]
) -> None:
    for label in ("MR1", "MR2"):
        session = xnat.has_session("P1", "S1", label, {"1": {"a.dcm": b"a"}})
    for word in ("MR2", session.id):
        answer = ls("scans", *owner, word)
        assert (answer.status, answer.out) == (2, "")
        assert f"{word} is a session: -E {word}" in answer.err
    assert ls("scans", *owner, "1").values("session") == ["MR1", "MR2"]
