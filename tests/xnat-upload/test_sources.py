"""Where DICOM comes from: folders, archives, zips in folders, odd names."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.uploads import Uploader
from xnat_core.archive import ArchiveMember, open_archive
from xnat_sandbox.samples import real_files, write_series
from xnat_upload import content
from xnat_upload.difference import Difference
from xnat_upload.inventory import Inventory
from xnat_upload.scan import Scan

HERE = ("-P", "P1", "-S", "S1", "-E", "E1")


def packed(upload: Uploader, name: str, files: list[Path], **more: bytes) -> Path:
    """An archive of these files, with what archives of people have in them besides."""
    archive = upload.folder.parent / name
    extra = {"readme.txt": b"hello", "__MACOSX/._x.dcm": b"junk", "DICOMDIR": b"junk", **more}
    if name.endswith(".zip"):
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
            for path in files:
                target.write(path, f"deep/er/{path.parent.name}-{path.stem}")
            for other, data in extra.items():
                target.writestr(other, data)
        return archive
    mode = "w:gz" if name.endswith(("gz", "tgz")) else "w"
    with tarfile.open(archive, mode) as tar:  # type: ignore[call-overload]
        for path in files:
            tar.add(path, f"deep/er/{path.parent.name}-{path.stem}")
        for other, data in extra.items():
            info = tarfile.TarInfo(other)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return archive


def digests(files: list[Path]) -> set[str]:
    return {hashlib.md5(path.read_bytes()).hexdigest() for path in files}


def stored(upload: Uploader, label: str = "E1") -> set[str]:
    scans = upload.archived(label=label).values()
    return {hashlib.md5(data).hexdigest() for files in scans for data in files.values()}


@pytest.mark.parametrize("name", ["s.zip", "s.tar"])
def test_a_member_that_is_dicom_by_its_name_alone_is_told_of(upload: Uploader, name: str) -> None:
    archive = packed(upload, name, upload.series(instances=2), **{"cut.IMA": b"no DICOM"})
    ran = upload(archive, *HERE)
    assert (ran.status, upload.count()) == (1, 2), ran.err
    assert f"{name}: cut.IMA: not readable as DICOM" in ran.err


@pytest.mark.parametrize("mode", ["tar", "zip"])
@pytest.mark.parametrize("name", ["s.zip", "s.tar", "s.tar.gz", "s.tgz"])
def test_an_archive_is_sent_member_by_member(upload: Uploader, name: str, mode: str) -> None:
    files = upload.series(series=1, instances=5) + upload.series(series=2, instances=4)
    archive = packed(upload, name, files)
    ran = upload(archive, *HERE, "--mode", mode)
    assert ran.status == 0, ran.err
    assert stored(upload) == digests(files)
    assert ran.record["files"] == 9
    assert {request.mimetype for request in upload.imports()} == {
        "application/zip" if mode == "zip" else "application/x-tar"
    }


def test_a_zip_travels_as_a_zip_unless_it_is_to_be_a_tar(upload: Uploader) -> None:
    archive = packed(upload, "s.zip", upload.series())
    upload(archive, *HERE)
    assert {request.mimetype for request in upload.imports()} == {"application/zip"}
    upload(archive, "-P", "P1", "-S", "S1", "-E", "E2", "--zip-to-tar")
    assert upload.imports()[-1].mimetype == "application/x-tar"


def test_a_folder_in_zip_mode_is_sent_compressed_in_chunks(upload: Uploader) -> None:
    files = upload.series(instances=4)
    ran = upload(upload.folder, *HERE, "--mode", "zip")
    assert ran.status == 0, ran.err
    assert stored(upload) == digests(files)
    assert all(request.content_length is None for request in upload.imports())


def test_an_archive_that_is_interrupted_is_completed(upload: Uploader) -> None:
    files = upload.series(series=1, instances=5)
    upload(upload.folder, *HERE)
    more = upload.series(series=2, instances=3)
    ran = upload(packed(upload, "s.tgz", files + more), *HERE)
    assert (ran.status, ran.record["files"], ran.record["instances"]) == (0, 3, 8), ran.err
    assert stored(upload) == digests(files + more)


@pytest.mark.parametrize("name", ["s.zip", "s.tar"])
def test_members_that_were_packed_from_elsewhere_are_not_taken_for_hidden_ones(
    upload: Uploader, name: str
) -> None:
    files = upload.series(instances=2)
    archive = upload.folder.parent / name
    if name.endswith(".zip"):
        with zipfile.ZipFile(archive, "w") as target:
            target.write(files[0], "../data/a.dcm")
            target.write(files[1], "b.dcm")
            target.writestr(".", b"no name at all")
    else:
        with tarfile.open(archive, "w") as tar:
            tar.add(files[0], "../data/a.dcm")
            tar.add(files[1], "./b.dcm")
    ran = upload(archive, *HERE)
    assert (ran.status, upload.count()) == (0, 2), ran.err


def test_two_archives_of_the_same_are_read_twice_and_no_more(
    upload: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = upload.series(instances=5)
    archives = [packed(upload, f"{name}.tgz", files) for name in ("one", "two")]
    opened: list[Path] = []

    def opening(path: Path) -> Iterator[ArchiveMember]:
        opened.append(path)
        return open_archive(path)

    monkeypatch.setattr(content, "open_archive", opening)
    ran = upload(*archives, *HERE, "--dry-run")
    assert (ran.status, ran.record["files"]) == (0, 5), ran.err
    assert sorted(opened) == archives


def test_zips_inside_a_folder_are_looked_into(upload: Uploader) -> None:
    loose = upload.series(series=1)
    inside = write_series(upload.folder.parent / "elsewhere" / "s2", series=2)
    packed(upload, "incoming/scans.zip", inside)
    ran = upload(upload.folder, *HERE)
    assert ran.status == 0, ran.err
    assert stored(upload) == digests(loose + inside)


@pytest.mark.parametrize("name", ["more.tar", "more.tar.gz", "more.TGZ"])
def test_a_tar_in_a_folder_is_not_left_out_in_silence(upload: Uploader, name: str) -> None:
    archive = packed(upload, name.lower(), upload.series(series=2))
    upload.series(series=1)
    archive.rename(upload.folder / name)
    ran = upload(upload.folder / "s1", upload.folder, *HERE)
    assert (ran.status, upload.count()) == (0, 6)
    assert f"{upload.folder}: tars in folders (1) were not looked into: name them" in ran.err
    assert "tars in folders" not in upload(upload.folder, upload.folder / name, *HERE).err


@pytest.mark.parametrize("mode", ["tar", "gradual"])
def test_archives_inside_an_archive_are_not_left_out_in_silence(
    upload: Uploader, mode: str
) -> None:
    outer = packed(upload, "out.zip", upload.series(series=1))
    with zipfile.ZipFile(outer, "a") as archive:
        archive.write(packed(upload, "in.zip", upload.series(series=2)), "more/in.zip")
    ran = upload(outer, *HERE, "--mode", mode)
    assert (ran.status, upload.count()) == (0, 3)
    assert f"{outer}: archives inside archives (1) were not looked into" in ran.err


@pytest.mark.parametrize("name", ["s.zip", "s.tar", "s.tgz"])
def test_a_damaged_archive_is_an_error_naming_it(upload: Uploader, name: str) -> None:
    archive = packed(upload, name, upload.series(instances=5))
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    ran = upload(archive, *HERE)
    assert ran.status == 1
    assert str(archive) in ran.err


def test_a_sparse_member_is_not_left_out_in_silence(upload: Uploader) -> None:
    whole, sparse = upload.series(instances=2)
    archive = upload.folder.parent / "s.tar"
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
        tar.add(whole, whole.name)
        # As bsdtar and 'tar --sparse' write a file with holes: a map, then what is no hole.
        pieces = b"1\n0\n%d\n" % sparse.stat().st_size
        pieces = pieces.ljust(512, b"\0") + sparse.read_bytes()
        info = tarfile.TarInfo(f"GNUSparseFile.0/{sparse.name}")
        info.size = len(pieces)
        info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
        tar.addfile(info, io.BytesIO(pieces))
    ran = upload(archive, *HERE)
    assert (ran.status, upload.count()) == (1, 1)
    assert f"{sparse.name}: a sparse file, of which only pieces" in ran.err


def test_many_named_files_are_not_compared_with_each_other(tmp_path: Path) -> None:
    compared = 0

    class Counting(type(Path())):  # type: ignore[misc]  # the class of this system
        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return bool(super().__eq__(other))

        __hash__ = type(Path()).__hash__

    named = [Counting(path) for path in write_series(tmp_path, instances=20)]
    scan = Scan(Inventory(), lambda error: None)
    assert len(list(scan.instances(named))) == 20
    assert compared <= len(named)


def test_a_series_may_be_found_while_the_known_ones_are_looked_through(tmp_path: Path) -> None:
    """Gradual mode looks for files in one thread and sends in others."""
    files = [write_series(tmp_path, series=n, instances=1)[0] for n in (1, 2, 3)]
    scan = Scan(Inventory(), lambda error: None)
    found = scan.instances(files)
    one, two = next(found), next(found)
    known = Difference(scan.inventory, scan.inventory.studies.values()).series
    assert next(known).id == one.series
    next(found)
    assert next(known).id == two.series


def test_several_paths_make_one_session(upload: Uploader) -> None:
    one, other = upload.series(series=1), upload.series(series=2)
    ran = upload(upload.folder / "s1", upload.folder / "s2", *HERE)
    assert (ran.status, ran.record["files"]) == (0, 6)
    assert stored(upload) == digests(one + other)


def test_a_single_file_is_a_path_too(upload: Uploader) -> None:
    files = upload.series()
    assert upload(files[0], *HERE).record["files"] == 1


@pytest.mark.parametrize("mode", ["tar", "zip", "gradual"])
def test_names_with_everything_in_them_survive(upload: Uploader, mode: str) -> None:
    names = ["Größe & Maß", "a#b%c?d", "'quoted\" name", "tab\there", "n" * 251, "-rf", "日本"]
    files = []
    for number, name in enumerate(names, 1):
        (first,) = upload.series(series=number, instances=1)
        files.append(first.rename(upload.folder / f"{name}.dcm"))
    long = upload.folder / ("d" * 150) / ("e" * 150)
    (last,) = upload.series(series=99, instances=1)
    long.mkdir(parents=True)
    files.append(last.rename(long / "IM0001"))
    broken = os.fsencode(upload.folder) + b"/not-\xff-unicode.dcm"
    (odd,) = upload.series(series=98, instances=1)
    odd.rename(os.fsdecode(broken))
    files.append(Path(os.fsdecode(broken)))
    ran = upload(upload.folder, *HERE, "--mode", mode)
    assert ran.status == 0, ran.err
    assert stored(upload) == digests(files)


def test_real_objects_arrive_unchanged(upload: Uploader) -> None:
    for path in real_files():
        ran = upload(path, "-P", "P1", "-S", "S1", "-E", path.stem)
        assert ran.status == 0, ran.err
        assert stored(upload, path.stem) == digests([path])


def test_backups_beside_their_files_are_passed_over(upload: Uploader) -> None:
    files = upload.series(instances=3)
    before = files[0].with_name(f"{files[0].name}.bak")
    before.write_bytes(files[0].read_bytes() + b"\0" * 8)
    alone = files[1].rename(f"{files[1]}.bak")
    ran = upload(files[0].parent, *HERE)
    assert ran.status == 0, ran.err
    assert stored(upload) == digests([files[0], alone, files[2]])


def test_sidecars_and_hidden_files_stay_at_home(upload: Uploader) -> None:
    files = upload.series()
    for name in ("notes.txt", "report.pdf", "bold.nii.gz", ".hidden.dcm", "DICOMDIR", "Thumbs.db"):
        (upload.folder / name).write_bytes(b"DICM? no")
    files[0].rename(files[0].with_suffix(""))
    assert (upload(upload.folder, *HERE).status, upload.count()) == (0, 3)


@pytest.mark.parametrize("mode", ["tar", "gradual"])
def test_a_link_that_leads_nowhere_is_passed_over_and_told(upload: Uploader, mode: str) -> None:
    upload.series()
    (upload.folder / "0.dcm").symlink_to("nowhere")
    (upload.folder / "s1" / "gone").symlink_to(".git/annex/objects/x")
    (upload.folder / "s1" / "circle").symlink_to("circle")
    ran = upload(upload.folder, *HERE, "--mode", mode)
    assert (ran.status, upload.count(), len(ran.records)) == (0, 3, 1)
    first = upload.folder / "0.dcm"
    assert f"links that lead nowhere (3) were passed over, the first: {first}\n" in ran.err


def test_of_links_that_lead_nowhere_alone_nothing_is_uploaded(upload: Uploader) -> None:
    upload.folder.mkdir()
    (upload.folder / "0.dcm").symlink_to("nowhere")
    ran = upload(upload.folder, *HERE)
    assert ran.status == 1
    assert "no DICOM found" in ran.err


def test_what_stays_in_the_prearchive_can_be_archived_by_the_next_tool(upload: Uploader) -> None:
    upload.series()
    ran = upload(upload.folder, *HERE, "--prearchive")
    assert {"kind", "server", "project", "timestamp", "name", "status", "uri"} <= set(ran.record)


@pytest.mark.parametrize("mode", ["tar", "gradual"])
@pytest.mark.parametrize("what", ["an empty folder", "an archive without any", "a pipe"])
def test_one_of_several_paths_without_dicom_is_told(
    upload: Uploader, tmp_path: Path, mode: str, what: str
) -> None:
    upload.series()
    other = tmp_path / "other.zip"
    if what == "an empty folder":
        other.mkdir()
    elif what == "a pipe":
        os.mkfifo(other)
    else:
        with zipfile.ZipFile(other, "w") as archive:
            archive.writestr("notes.txt", "no DICOM")
    ran = upload(upload.folder, other, *HERE, "--mode", mode)
    assert (ran.status, upload.count()) == (1, 3)
    assert f"{other}: no" in ran.err or f"{other}: neither" in ran.err
    assert [record["outcome"] for record in ran.records] == ["failed", "done"]


@pytest.mark.parametrize("mode", ["tar", "gradual"])
def test_sidecars_may_be_named_and_folders_twice(
    upload: Uploader, tmp_path: Path, mode: str
) -> None:
    upload.series()
    (tmp_path / "notes.txt").write_text("no DICOM")
    (tmp_path / "alias").symlink_to(upload.folder)
    paths = (upload.folder, upload.folder / "s1", tmp_path / "alias", tmp_path / "notes.txt")
    ran = upload(*paths, *HERE, "--mode", mode)
    assert (ran.status, ran.record["outcome"], upload.count()) == (0, "done", 3), ran.err
