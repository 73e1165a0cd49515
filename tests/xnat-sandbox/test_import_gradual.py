"""POST /data/services/import: one object at a time."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from support.imports import (
    IMPORT,
    message,
    rows,
    send_object,
    send_zip,
    staged_files,
    uris,
    wait_until,
)
from support.sandbox import XNAT
from xnat_sandbox import samples

pytestmark = pytest.mark.usefixtures("builds_nothing")


def test_gradual_dicom_takes_one_object(xnat: XNAT, series: dict[str, bytes]) -> None:
    data = next(iter(series.values()))
    (uri,) = uris(send_object(xnat, data, PROJECT_ID="P1", SUBJECT_ID="S1", EXPT_LABEL="E1"))
    assert uri.startswith("/data/prearchive/projects/P1/") and uri.endswith("/E1")
    assert staged_files(xnat, uri) == ["SCANS/1/DICOM/upload.dcm"]


def test_gradual_dicom_does_not_read_project(xnat: XNAT, series: dict[str, bytes]) -> None:
    (uri,) = uris(send_object(xnat, next(iter(series.values())), project="P1", session="E1"))
    assert uri.startswith("/data/prearchive/projects/Unassigned/") and uri.endswith("SUB001_MR1")


def test_gradual_dicom_reads_only_the_project_of_a_destination(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    data = next(iter(series.values()))
    send_object(xnat, data, dest="/archive/projects/P1/subjects/S1/experiments/E1")
    (row,) = rows(xnat)
    assert (row["project"], row["name"], row["status"]) == ("P1", "SUB001_MR1", "RECEIVING")


def test_an_object_of_another_name_keeps_both_by_the_template(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    for data in series.values():
        (uri,) = uris(send_object(xnat, data, PROJECT_ID="P1"))
    names = staged_files(xnat, uri)
    assert len(names) == 3
    assert "SCANS/1/DICOM/upload.dcm" in names


def test_an_object_sent_twice_overwrites_itself(xnat: XNAT, series: dict[str, bytes]) -> None:
    for _ in range(2):
        for name, data in series.items():
            (uri,) = uris(send_object(xnat, data, name, PROJECT_ID="P1"))
    assert len(staged_files(xnat, uri)) == len(series)


def test_rename_always_names_by_the_template(xnat: XNAT, series: dict[str, bytes]) -> None:
    for name, data in series.items():
        (uri,) = uris(send_object(xnat, data, name, PROJECT_ID="P1", rename="true"))
    names = [Path(name).name for name in staged_files(xnat, uri)]
    assert len(names) == 3 and all(name.startswith("1.2.826.") for name in names)


def test_a_zip_of_objects_under_equal_names_keeps_them_all(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    files = {f"{n}/IM0001": data for n, data in enumerate(series.values())}
    (uri,) = uris(send_zip(xnat, files, project="P1"))
    assert len(staged_files(xnat, uri)) == len(series)


def test_the_same_file_written_by_two_senders_at_once_is_refused(
    xnat: XNAT, tmp_path: Path
) -> None:
    (path,) = samples.write_series(tmp_path / "big", instances=1, rows=1200)
    data = path.read_bytes()
    with half_sent(xnat, data) as finish:
        response = send_object(xnat, data, PROJECT_ID="P1")
        assert response.status_code == 400
        assert message(response) == "Concurrent file sends of the same data is not supported."
        assert finish().startswith(b"HTTP/1.1 200")
    assert send_object(xnat, data, PROJECT_ID="P1").status_code == 200


class half_sent:
    """A sender that stops in the middle of an object until `finish` is called."""

    def __init__(self, xnat: XNAT, data: bytes) -> None:
        self._socket = socket.create_connection(("127.0.0.1", xnat.server.port))
        query = "import-handler=gradual-DICOM&inbody=true&PROJECT_ID=P1"
        head = (
            f"POST {IMPORT}?{query} HTTP/1.1\r\nHost: x\r\n"
            "Authorization: Basic YWRtaW46YWRtaW4=\r\n"
            f"Content-Type: application/dicom\r\nContent-Length: {len(data)}\r\n\r\n"
        )
        half = len(data) * 2 // 3
        self._socket.sendall(head.encode() + data[:half])
        self._rest = data[half:]
        self._xnat = xnat

    def __enter__(self) -> Callable[[], bytes]:
        wait_until(lambda: bool(rows(self._xnat)))

        def finish() -> bytes:
            self._socket.sendall(self._rest)
            return self._socket.recv(1 << 16)

        return finish

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def test_a_fault_can_refuse_objects(xnat: XNAT, series: dict[str, bytes]) -> None:
    answers = iter(["disk trouble"])
    xnat.settings.import_fault = lambda uid: next(answers, None)
    first = send_zip(xnat, series, project="P1")
    assert (first.status_code, message(first)) == (400, "disk trouble")
    assert send_zip(xnat, series, project="P1").status_code == 200


def test_everything_rejected_by_anonymisation_answers_an_empty_body(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    xnat.settings.anonymize = lambda path: False
    response = send_zip(xnat, series, project="P1")
    assert (response.status_code, response.content) == (200, b"")
    # They have been parsed, unlike what is beside them.
    files = {**series, "readme.txt": b"hello"}
    response = send_zip(xnat, files, project="P1", Ignore_Unparsable="true")
    assert (response.status_code, response.content) == (200, b"")
    assert rows(xnat) == []


def test_anonymisation_may_rewrite_what_is_stored(xnat: XNAT, series: dict[str, bytes]) -> None:
    def blank(path: Path) -> bool:
        path.write_bytes(path.read_bytes().replace(b"SUB001", b"ANON01"))
        return True

    xnat.settings.anonymize = blank
    (uri,) = uris(send_object(xnat, series["mr1_0001.dcm"], PROJECT_ID="P1"))
    stored = xnat.data / uri.removeprefix("/data/").replace("/projects", "")
    assert b"ANON01" in (stored / "SCANS/1/DICOM/upload.dcm").read_bytes()
