"""POST /data/services/import: archives, forms and bodies, and strays in them."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable, Iterator, Mapping

import pytest

from support.imports import (
    IMPORT,
    ZIP,
    message,
    post,
    rows,
    send_zip,
    staged_files,
    tarred,
    uris,
    zipped,
)
from support.sandbox import XNAT

pytestmark = pytest.mark.usefixtures("builds_nothing")


Pack = Callable[[Mapping[str, bytes]], bytes]


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
