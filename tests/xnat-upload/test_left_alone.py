"""What is in the way of an upload, or changes under its hands, and how that is told."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest
from pydicom import dcmread
from werkzeug.wrappers import Request, Response

from support.imports import send_zip
from support.uploads import Uploader, journalled, refuse
from xnat_sandbox.samples import write_series

HERE = ("-P", "P1", "-S", "S1", "-E", "E1")


def stranger(upload: Uploader, folder: Path) -> tuple[str, set[bytes]]:
    """Another study that waits under the same labels: its timestamp, and its bytes."""
    files = {path.name: path.read_bytes() for path in write_series(folder, study_uid="9.9.9")}
    labels = {"project": "P1", "subject": "S1", "session": "E1"}
    answer = send_zip(upload.xnat, files, None, dest="/prearchive/projects/P1", **labels)
    return answer.text.split("/")[-2], set(files.values())


@pytest.mark.parametrize("more", [(), ("--prearchive",)])
def test_another_study_that_waits_under_the_labels_is_left_alone(
    upload: Uploader, tmp_path: Path, more: tuple[str, ...]
) -> None:
    timestamp, foreign = stranger(upload, tmp_path / "other")
    ours = {path.read_bytes() for path in upload.series(study_uid="1.2.3")}
    ran = upload(upload.folder, *HERE, *more)
    assert (ran.status, ran.record["files"]) == (0, 3), ran.err
    rows = {row.timestamp: row.status for row in upload.staged()}
    assert rows.pop(timestamp) == "READY"
    assert list(rows.values()) == (["READY"] if more else [])
    held = {data for files in upload.archived().values() for data in files.values()}
    assert held == (set() if more else ours)
    assert not held & foreign


@pytest.mark.parametrize("overwrite", ["none", "append", "delete"])
@pytest.mark.parametrize("mode", ["tar", "gradual"])
def test_several_studies_become_one_session_when_asked(
    upload: Uploader, mode: str, overwrite: str
) -> None:
    upload.series(series=1, study_uid="1.2.1")
    upload.series(series=2, study_uid="1.2.2")
    words = (upload.folder, *HERE, "--mode", mode)
    assert upload(*words).status == 2
    merging = (*words, "--merge-studies", "--overwrite", overwrite)
    ran = upload(*merging)
    assert (ran.status, upload.count(), upload.staged()) == (0, 6, []), ran.err
    assert upload(*merging).status == 0
    assert upload.count() == 6


@pytest.mark.parametrize("studies", [("1.2.1",), ("1.2.1", "1.2.2")])
@pytest.mark.parametrize("overwrite", ["none", "append"])
def test_what_others_archive_meanwhile_is_not_replaced(
    upload: Uploader, studies: tuple[str, ...], overwrite: str
) -> None:
    upload.xnat.settings.version = "1.8.2"
    files = [
        path
        for number, study in enumerate(studies, 1)
        for path in upload.series(series=number, study_uid=study)
    ]
    theirs = {
        f"{dcmread(path).SOPInstanceUID}.dcm": path.read_bytes().replace(b"SANDBOX", b"XXXXXXX")
        for path in files[:3]
    }

    def archive_first(request: Request) -> None:
        items = upload.xnat.store.items
        if request.path == "/data/services/archive" and not items.experiment_in("P1", "E1"):
            upload.xnat.has_session("P1", "S1", "E1", {"1": theirs}, UID="1.2.1")

    upload.xnat.before(archive_first)
    ran = upload(upload.folder, *HERE, "--merge-studies", "--overwrite", overwrite)
    held = upload.archived()["1"]
    assert (ran.status, {name: held[name] for name in theirs}) == (1, theirs), ran.records


@pytest.mark.parametrize("mode", ["tar", "gradual"])
def test_studies_that_number_alike_become_one_session_without_a_loss(
    upload: Uploader, mode: str
) -> None:
    files = [
        path
        for study in ("1.2.1", "1.2.2")
        for path in write_series(upload.folder / study, series=1, study_uid=study)
    ]
    assert len({path.name for path in files}) < len(files)
    ran = upload(upload.folder, *HERE, "--merge-studies", "--mode", mode)
    assert (ran.status, upload.staged()) == (0, []), ran.err
    held = [data for scan in upload.archived().values() for data in scan.values()]
    assert sorted(held) == sorted(path.read_bytes() for path in files)


def test_several_studies_of_one_label_become_one_session_when_asked(upload: Uploader) -> None:
    upload.series(series=1, study_uid="1.2.1", session="E1")
    upload.series(series=2, study_uid="1.2.2", session="E1")
    ran = upload(upload.folder, "-P", "P1", "-S", "S1", "--merge-studies")
    assert (ran.status, upload.count()) == (0, 6), ran.err


def test_what_waits_and_cannot_be_read_any_more_is_no_success(upload: Uploader) -> None:
    ours = {path.read_bytes() for path in upload.series()}
    damaging = [True]

    def damage(request: Request, response: Response) -> None:
        if damaging and request.path == "/data/services/import":
            for file in upload.xnat.data.rglob("SCANS/*/DICOM/*.dcm"):
                file.write_bytes(b"damaged")
            where = response.get_data(as_text=True).strip()
            upload.xnat.call("POST", f"{where}?action=build")

    upload.xnat.app.after(damage)
    ran = upload(upload.folder, *HERE, "--prearchive")
    assert (ran.status, ran.record["outcome"]) == (1, "failed"), ran.records
    assert "Unable to build session XML" in ran.err
    assert journalled()
    damaging.clear()
    again = upload(upload.folder, *HERE)
    held = {data for files in upload.archived().values() for data in files.values()}
    assert (again.status, upload.staged(), ours <= held) == (0, [], True)


@pytest.mark.parametrize("moment", ["/data/services/archive", "/data/prearchive/projects/P1/"])
def test_what_somebody_deletes_before_it_is_archived_is_no_success(
    upload: Uploader, moment: str
) -> None:
    upload.xnat.settings.version = "1.8.2"
    upload.series()

    def delete_first(request: Request) -> None:
        if request.path.startswith(moment) and request.method == "POST":
            for row in upload.staged():
                where = f"/data/prearchive/projects/P1/{row.timestamp}/{row.name}"
                upload.xnat.call("DELETE", where)

    upload.xnat.before(delete_first)
    ran = upload(upload.folder, *HERE)
    assert (ran.status, ran.record["outcome"]) == (1, "failed"), ran.records
    assert "has left the prearchive and is not archived" in ran.err
    assert upload.count() == 0


@pytest.mark.parametrize("mode", ["tar", "zip", "gradual"])
def test_a_file_that_changes_meanwhile_is_told_and_not_called_sent(
    upload: Uploader, mode: str
) -> None:
    *_, last = upload.series()

    def grow(request: Request) -> None:
        if request.path == "/data/prearchive":
            last.write_bytes(last.read_bytes() + bytes(9))

    upload.xnat.before(grow)
    ran = upload(upload.folder, *HERE, "--mode", mode)
    assert ran.status == 1
    assert last.name in ran.err
    assert last.read_bytes() not in upload.archived().get("1", {}).values()
    assert {record["outcome"] for record in ran.records} >= {"failed"}


@pytest.mark.parametrize("mode", ["tar", "zip", "gradual"])
def test_files_that_exchange_their_names_meanwhile_do_not_go_under_each_others(
    upload: Uploader, mode: str
) -> None:
    first, second, _ = upload.series()
    moved: list[Path] = []

    def exchange(request: Request) -> None:
        if request.path == "/data/prearchive" and not moved:
            moved.extend((first.rename(first.with_name("aside")), second.rename(first)))
            moved[0].rename(second)

    upload.xnat.before(exchange)
    ran = upload(upload.folder, *HERE, "--mode", mode)
    assert moved
    assert ran.status == 1
    assert f"{first}: changed since it was looked at" in ran.err
    ran = upload(upload.folder, *HERE, "--mode", mode)
    assert ran.status == 0, ran.err
    assert upload.archived() == {"1": by_uid(first.parent)}


@pytest.mark.parametrize("mode", ["tar", "zip", "gradual"])
def test_an_archive_that_is_packed_in_another_order_meanwhile_is_told(
    upload: Uploader, tmp_path: Path, mode: str
) -> None:
    files = upload.series(instances=2)
    archive = tmp_path / "study.zip"

    def pack(names: list[Path]) -> None:
        with zipfile.ZipFile(archive, "w") as packed:
            for name in names:
                packed.write(name, name.name)

    def replace(request: Request) -> None:
        if request.path == "/data/prearchive":
            pack(files[::-1])
            os.utime(archive, (1, 1))

    pack(files)
    upload.xnat.before(replace)
    ran = upload(archive, *HERE, "--mode", mode)
    assert ran.status == 1
    assert "changed while it was being sent" in ran.err
    ran = upload(archive, *HERE, "--mode", mode)
    assert ran.status == 0, ran.err
    assert upload.archived() == {"1": by_uid(files[0].parent)}


def by_uid(folder: Path) -> dict[str, bytes]:
    """The files of a folder, called as the server does."""
    return {f"{dcmread(path).SOPInstanceUID}.dcm": path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("mode", ["tar", "zip", "gradual"])
@pytest.mark.parametrize("left", [0, 1])
def test_an_archive_that_is_replaced_meanwhile_is_told(
    upload: Uploader, tmp_path: Path, mode: str, left: int
) -> None:
    files = upload.series(instances=2)
    archive = tmp_path / "study.zip"

    def pack(names: list[Path], more: bytes = b"") -> None:
        with zipfile.ZipFile(archive, "w") as packed:
            for name in names:
                packed.writestr(name.name, name.read_bytes() + more)

    def replace(request: Request) -> None:
        if request.path == "/data/prearchive":
            pack(files[:left] if left == 0 else files, bytes(9 * left))

    pack(files)
    upload.xnat.before(replace)
    ran = upload(archive, *HERE, "--mode", mode)
    assert ran.status == 1
    assert "changed while it was being sent" in ran.err
    assert upload.archived() == {}


def test_what_the_server_refuses_for_good_is_sent_once_and_told(upload: Uploader) -> None:
    upload.series()
    refuse(upload.xnat, "/data/services/import", Response("Missing SOP Class UID", 400))
    ran = upload(upload.folder, *HERE, "--mode", "gradual", "--workers", 1)
    failed = [one for one in ran.records if one["outcome"] == "failed"]
    assert (ran.status, len(failed), len(upload.imports())) == (1, 1, 3), ran.records
    assert "the server refuses: Missing SOP Class UID" in ran.err
    assert failed[0]["path"] not in (None, str(upload.folder))
    assert upload.count() == 2
