"""POST /data/services/import: what it takes, where it puts it, what it answers."""

from __future__ import annotations

import gzip
import io
import socket
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from support.imports import (
    IMPORT,
    members,
    post,
    rows,
    send_object,
    send_zip,
    tarred,
    uris,
    wait_until,
    zipped,
)
from support.sandbox import FAST, XNAT
from xnat_sandbox import samples

MakeXNAT = Callable[..., XNAT]
Pack = Callable[[Mapping[str, bytes]], bytes]
ZIP = {"import-handler": "DICOM-zip", "inbody": "true", "project": "P1"}


@pytest.fixture
def xnat(make_xnat: MakeXNAT) -> XNAT:
    """A server that builds nothing by itself, with project P1."""
    server = make_xnat(replace(FAST, rebuild_idle=600))
    server.has_project("P1")
    return server


@pytest.fixture
def series(tmp_path: Path) -> dict[str, bytes]:
    return members(samples.write_series(tmp_path / "series"))


def staged_files(xnat: XNAT, uri: str) -> list[str]:
    place = xnat.data / uri.removeprefix("/data/").replace("prearchive/projects", "prearchive")
    return sorted(p.relative_to(place).as_posix() for p in place.rglob("*") if p.is_file())


def message(response: requests.Response) -> str:
    return response.text.partition("<h3>")[2].partition("</h3>")[0]


def test_an_upload_is_staged_and_its_uri_answered(xnat: XNAT, series: dict[str, bytes]) -> None:
    response = send_zip(xnat, series, project="P1")
    (row,) = rows(xnat)
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/uri-list")
    assert response.text == f"/data/prearchive/projects/P1/{row['timestamp']}/SUB001_MR1\r\n"
    assert staged_files(xnat, uris(response)[0]) == [f"SCANS/1/DICOM/{n}" for n in series]


@pytest.mark.parametrize(
    ("content_type", "pack"),
    [
        ("application/zip", zipped),
        ("application/x-tar", tarred),
        ("application/x-gtar", lambda files: tarred(files, "gz")),
    ],
)
def test_a_raw_body_is_unpacked_by_its_content_type(
    xnat: XNAT, series: dict[str, bytes], content_type: str, pack: Pack
) -> None:
    headers = {"Content-Type": content_type}
    (uri,) = uris(post(xnat, IMPORT, params=ZIP, data=pack(series), headers=headers))
    assert len(staged_files(xnat, uri)) == len(series)


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("a.zip", zipped),
        ("a.zar", zipped),
        ("a.tar", tarred),
        ("a.xar", tarred),
        ("a.tgz", lambda files: tarred(files, "gz")),
        ("a.tar.gz", lambda files: tarred(files, "gz")),
    ],
)
def test_a_form_is_unpacked_by_its_file_name(
    xnat: XNAT, series: dict[str, bytes], name: str, pack: Pack
) -> None:
    (uri,) = uris(
        post(xnat, IMPORT, params={"project": "P1"}, files={"file": (name, pack(series))})
    )
    assert len(staged_files(xnat, uri)) == len(series)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a.7z", "Unsupported format UNKNOWN"),
        ("a.ZIP", "Unsupported format UNKNOWN"),
        ("a.dcm", "Unsupported format UNKNOWN"),
        ("a.gz", "Unsupported format GZ"),
    ],
)
def test_other_suffixes_are_refused(
    xnat: XNAT, series: dict[str, bytes], name: str, reason: str
) -> None:
    response = post(xnat, IMPORT, params={"project": "P1"}, files={"f": (name, zipped(series))})
    assert (response.status_code, message(response)) == (400, reason)


def test_parameters_may_follow_the_file_in_a_form(xnat: XNAT, series: dict[str, bytes]) -> None:
    body = [
        ("file", ("a.zip", zipped(series))),
        ("session", (None, "LATE")),
        ("project", (None, "P1")),
    ]
    (uri,) = uris(post(xnat, IMPORT, files=body))
    assert uri.endswith("/LATE")


def test_a_zip_may_come_in_chunks(xnat: XNAT, series: dict[str, bytes]) -> None:
    def chunks() -> Iterator[bytes]:
        data = zipped(series)
        yield from (data[at : at + 1000] for at in range(0, len(data), 1000))

    headers = {"Content-Type": "application/zip"}
    (uri,) = uris(post(xnat, IMPORT, params=ZIP, data=chunks(), headers=headers))
    assert len(staged_files(xnat, uri)) == len(series)


def test_a_tar_may_not_come_in_chunks(xnat: XNAT, series: dict[str, bytes]) -> None:
    headers = {"Content-Type": "application/x-tar"}
    response = post(xnat, IMPORT, params=ZIP, data=iter([tarred(series)]), headers=headers)
    assert response.status_code == 400


def test_nested_archives_are_unpacked(xnat: XNAT, series: dict[str, bytes]) -> None:
    first, second, third = series.items()
    nested = {
        "deep/one.zip": zipped(dict([first])),
        "two.tar.gz": tarred(dict([second]), "gz"),
        f"x/y/{third[0]}": third[1],
    }
    (uri,) = uris(send_zip(xnat, nested, project="P1"))
    assert staged_files(xnat, uri) == [f"SCANS/1/DICOM/{name}" for name in series]


def test_a_compressed_entry_is_no_dicom(xnat: XNAT, series: dict[str, bytes]) -> None:
    response = send_zip(xnat, {**series, "t1.nii.gz": gzip.compress(b"x")}, project="P1")
    assert (response.status_code, message(response)) == (400, "Unsupported format GZ")


def test_a_stray_file_fails_the_upload_but_what_came_before_stays(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    response = send_zip(xnat, {**series, "readme.txt": b"hello"}, project="P1")
    assert response.status_code == 400
    assert message(response).startswith("unable to read DICOM object readme.txt")
    (row,) = rows(xnat)
    assert len(staged_files(xnat, "/data" + row["url"])) == len(series)


def test_stray_files_are_skipped_on_request(xnat: XNAT, series: dict[str, bytes]) -> None:
    files = {"readme.txt": b"hello", **series, "DICOMDIR": b""}
    (uri,) = uris(send_zip(xnat, files, project="P1", Ignore_Unparsable="true"))
    assert len(staged_files(xnat, uri)) == len(series)


def test_whatever_is_wrong_with_an_object_it_is_passed_over_where_the_unparsable_is(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    answers = iter(["Concurrent file sends of the same data is not supported."])
    xnat.settings.import_fault = lambda uid: next(answers, None)
    (uri,) = uris(send_zip(xnat, series, project="P1", Ignore_Unparsable="true"))
    assert uri.startswith("/data/prearchive/")
    xnat.settings.import_fault = lambda uid: "disk quota"
    response = send_zip(xnat, series, project="P1", Ignore_Unparsable="true")
    assert (response.status_code, "disk quota" in response.text) == (400, True)


def test_nothing_but_stray_files_is_an_error_all_the_same(xnat: XNAT) -> None:
    for files in ({"a": b"hello"}, {}):
        response = send_zip(xnat, files, project="P1", Ignore_Unparsable="true")
        assert response.status_code == 400, files


def test_committing_skips_stray_files_but_a_destination_does_not(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    files = {"readme.txt": b"hello", **series}
    assert send_zip(xnat, files, project="P1", action="commit").status_code == 200
    assert send_zip(xnat, files, dest="/prearchive/projects/P1").status_code == 400


class Pipe(io.RawIOBase):
    """A target that cannot be sought, so that zipfile writes data descriptors."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.data += bytes(data)
        return len(data)


def streamed_zip(files: Mapping[str, bytes], compression: int) -> bytes:
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return pipe.data


def test_a_deflated_entry_may_have_a_data_descriptor(xnat: XNAT, series: dict[str, bytes]) -> None:
    headers = {"Content-Type": "application/zip"}
    data = streamed_zip(series, zipfile.ZIP_DEFLATED)
    (uri,) = uris(post(xnat, IMPORT, params=ZIP, data=data, headers=headers))
    assert len(staged_files(xnat, uri)) == len(series)


def test_a_stored_entry_with_a_data_descriptor_is_refused(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    headers = {"Content-Type": "application/zip"}
    data = streamed_zip(series, zipfile.ZIP_STORED)
    response = post(xnat, IMPORT, params=ZIP, data=data, headers=headers)
    assert response.status_code == 400
    assert message(response) == "only DEFLATED entries can have EXT descriptor"


def test_an_entry_of_a_wrong_checksum_is_refused(xnat: XNAT, series: dict[str, bytes]) -> None:
    data = bytearray(zipped(series, zipfile.ZIP_STORED))
    data[900] ^= 1
    headers = {"Content-Type": "application/zip"}
    response = post(xnat, IMPORT, params=ZIP, data=bytes(data), headers=headers)
    assert (response.status_code, "invalid entry CRC" in response.text) == (400, True)


@pytest.mark.parametrize("pack", [zipped, tarred, lambda files: tarred(files, "gz")])
def test_a_truncated_archive_is_refused(xnat: XNAT, series: dict[str, bytes], pack: Pack) -> None:
    kind = {zipped: "application/zip", tarred: "application/x-tar"}.get(pack, "application/x-gtar")
    body = pack(series)[:-4000] if pack is tarred else pack(series)[:2000]
    response = post(xnat, IMPORT, params=ZIP, data=body, headers={"Content-Type": kind})
    assert response.status_code == 400


def test_several_studies_answer_several_lines(xnat: XNAT, tmp_path: Path) -> None:
    one = members(samples.write_series(tmp_path / "1", instances=1))
    two = members(
        samples.write_series(tmp_path / "2", instances=1, patient="SUB002", modality="CT")
    )
    found = uris(send_zip(xnat, {**one, **two}, project="P1"))
    assert [uri.rpartition("/")[2] for uri in found] == ["SUB001_MR1", "SUB002_CT1"]


def test_parameters_name_subject_and_session(xnat: XNAT, series: dict[str, bytes]) -> None:
    send_zip(xnat, series, project="P1", subject="S9", session="E9")
    (row,) = rows(xnat)
    assert (row["subject"], row["name"], row["folderName"]) == ("S9", "E9", "E9")


def test_comments_in_the_objects_name_everything(xnat: XNAT, tmp_path: Path) -> None:
    paths = samples.write_series(tmp_path / "c", comments="Project:P1 Subject:S7 Session:E7")
    send_zip(xnat, members(paths))
    (row,) = rows(xnat)
    assert (row["project"], row["subject"], row["name"]) == ("P1", "S7", "E7")


def test_an_unknown_project_falls_through_to_the_one_the_objects_name(
    xnat: XNAT, tmp_path: Path
) -> None:
    paths = samples.write_series(tmp_path / "c", study_description="P1")
    (uri,) = uris(send_zip(xnat, members(paths), project="NOPE"))
    assert uri.startswith("/data/prearchive/projects/P1/")


def test_without_any_project_data_go_to_unassigned(xnat: XNAT, series: dict[str, bytes]) -> None:
    (uri,) = uris(send_zip(xnat, series, project="NOPE"))
    assert uri.startswith("/data/prearchive/projects/Unassigned/")


def test_a_project_closed_to_the_sender_counts_as_unknown(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    bob = xnat.has_user("bob", P1="collaborator")
    (uri,) = uris(send_zip(xnat, series, project="P1", auth=bob))
    assert uri.startswith("/data/prearchive/projects/Unassigned/")


def test_the_session_importer_refuses_a_closed_project(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    bob = xnat.has_user("bob", P1="collaborator")
    response = send_zip(xnat, series, handler="SI", project="P1", auth=bob)
    assert response.status_code == 403


@pytest.mark.parametrize("handler", ["XAR", "nope"])
def test_an_unknown_handler_is_not_found(
    xnat: XNAT, series: dict[str, bytes], handler: str
) -> None:
    assert send_zip(xnat, series, handler=handler).status_code == 404


@pytest.mark.parametrize(("parameters", "status"), [({"import-handler": "SI"}, 400), ({}, 500)])
def test_a_request_without_a_file_is_refused(
    xnat: XNAT, parameters: dict[str, str], status: int
) -> None:
    response = post(xnat, IMPORT, params=parameters)
    assert (response.status_code, message(response)) == (
        status,
        "Unable to identify upload format.",
    )


def test_two_files_in_one_form_are_refused(xnat: XNAT, series: dict[str, bytes]) -> None:
    files = [("a", ("a.zip", zipped(series))), ("b", ("b.zip", zipped(series)))]
    assert post(xnat, IMPORT, params={"project": "P1"}, files=files).status_code == 400


def test_inbody_with_a_form_is_an_error(xnat: XNAT, series: dict[str, bytes]) -> None:
    response = post(xnat, IMPORT, params=ZIP, files={"a": ("a.zip", zipped(series))})
    assert response.status_code == 500


@pytest.mark.parametrize("dest", ["/nowhere", "/prearchive/P1", "/archive/projects/P1/x"])
def test_a_malformed_destination_is_refused(
    xnat: XNAT, series: dict[str, bytes], dest: str
) -> None:
    assert send_zip(xnat, series, dest=dest).status_code == 400


@pytest.mark.parametrize(
    ("parameters", "status"),
    [
        ({"prearchive_code": "1", "overwrite": "append", "project": "P1"}, 400),
        ({"prearchive_code": "1"}, 500),
        ({"prearchive_code": "1", "project": "P1"}, 200),
        ({"prearchive_code": "0", "overwrite": "append", "project": "P1"}, 200),
    ],
)
def test_prearchive_code_one_takes_over_from_overwrite(
    xnat: XNAT, series: dict[str, bytes], parameters: dict[str, str], status: int
) -> None:
    response = post(xnat, IMPORT, params=parameters, files={"file": ("a.zip", zipped(series))})
    assert response.status_code == status


def test_browser_uploaders_get_errors_as_pages_with_200(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    response = send_zip(xnat, series, dest="/nowhere", format="html")
    assert (response.status_code, response.headers["Content-Type"][:9]) == (200, "text/html")
    assert "Invalid destination" in response.text


# One object at a time


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


def test_files_come_from_the_user_cache_too(xnat: XNAT, series: dict[str, bytes]) -> None:
    place = xnat.store.disk.cache / "admin" / "X"
    place.mkdir(parents=True)
    (place / "a.zip").write_bytes(zipped(series))
    source = "/user/cache/resources/X/files/a.zip"
    response = post(
        xnat, IMPORT, params={"import-handler": "DICOM-zip", "project": "P1", "src": source}
    )
    assert len(staged_files(xnat, uris(response)[0])) == len(series)


def test_routing_rules_of_the_site_come_before_the_objects_comments(
    xnat: XNAT, tmp_path: Path
) -> None:
    xnat.has_project("P2")
    rules = {"projectRules": "(0008,103e):to (\\w+)", "sessionRules": "(0010,0020):^(\\w\\w):1"}
    for name, text in rules.items():
        xnat.store.tools.put("", "dicom", name, text, user="admin")
    paths = samples.write_series(tmp_path / "r", description="to P2", comments="Project:P1")
    send_zip(xnat, members(paths))
    (row,) = rows(xnat)
    assert (row["project"], row["name"]) == ("P2", "SU")


def test_a_listener_tells_how_the_import_went(xnat: XNAT, series: dict[str, bytes]) -> None:
    send_zip(xnat, series, project="P1", dest="/archive", http_session_listener="K1")
    answer = requests.get(xnat.url + "/data/status/K1?format=json", auth=xnat.admin, timeout=9)
    (messages,) = answer.json()["msgs"]
    assert messages[-1] == {
        "status": "COMPLETED",
        "msg": "Archive:/archive/projects/P1/subjects/SUB001/experiments/SUB001_MR1",
        "terminal": True,
    }
    tracking = requests.get(xnat.url + "/xapi/event_tracking/K1", auth=xnat.admin, timeout=9)
    assert tracking.json()["succeeded"] is True


def test_nobody_sees_the_listeners_of_others(xnat: XNAT, series: dict[str, bytes]) -> None:
    send_zip(xnat, series, project="P1", http_session_listener="K1")
    bob = xnat.has_user("bob", P1="owner")
    answer = requests.get(xnat.url + "/xapi/event_tracking/K1", auth=bob, timeout=9)
    assert answer.status_code == 404
