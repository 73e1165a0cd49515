"""What arrived damaged may be replaced in the archive, and nothing else for its sake."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from support.uploads import Uploader
from xnat_core.journal import Accepted, Journal
from xnat_sandbox.samples import write_series
from xnat_upload.damage import NO_SIZE
from xnat_upload.headers import read_file

HERE = ("-P", "P1", "-S", "S1", "-E", "E1")
MODES = pytest.mark.parametrize("mode", ["tar", "zip", "gradual"])
CAREFUL = pytest.mark.parametrize("overwrite", ["none", "append"])


def accepted(path: Path) -> Accepted:
    """The line on a file that has been taken as it is."""
    header, found = read_file(path), path.stat()
    assert header is not None
    digest = hashlib.md5(path.read_bytes()).hexdigest()
    name = f"{header.uid}.dcm"
    return Accepted(name, str(path), found.st_size, found.st_mtime_ns, digest, "")


def damaged(path: Path) -> Accepted:
    """The line on a file that arrived otherwise than it was sent."""
    return Accepted(accepted(path).name, str(path), NO_SIZE, 1, "", "")


def was_killed(upload: Uploader, *lines: Accepted) -> None:
    """Leave the journal of a run that was killed."""
    with Journal(upload.xnat.url, "P1", "S1", "E1") as journal:
        journal.note({"fresh": True})
        journal.add(lines)


def spoil(upload: Uploader, data: bytes) -> None:
    """The first time that the server receives this, it stores something else."""
    left = [data]

    def store(path: Path) -> bool:
        if path.read_bytes() in left:
            path.write_bytes(left.pop()[:-4] + b"oops")
        return True

    upload.xnat.settings.anonymize = store


def spoil_archived(upload: Uploader, data: bytes) -> None:
    """Have the archive hold something else in the place of this, and list it so."""
    (file,) = (file for file in upload.xnat.data.rglob("*.dcm") if file.read_bytes() == data)
    file.write_bytes(data[:-4] + b"oops")
    digests = [hashlib.md5(one).hexdigest() for one in (file.read_bytes(), data)]
    with upload.xnat.store.database.transaction() as database:
        database.execute("UPDATE file SET digest=? WHERE digest=?", digests)


def change(path: Path) -> bytes:
    """Write a file anew; returns what it was."""
    old = path.read_bytes()
    path.write_bytes(old[:-4] + b"news")
    return old


def archived(upload: Uploader) -> set[bytes]:
    """The contents of all scans."""
    return {data for files in upload.archived().values() for data in files.values()}


@CAREFUL
@MODES
def test_a_damaged_file_is_replaced_and_another_one_that_has_changed_is_not(
    upload: Uploader, overwrite: str, mode: str
) -> None:
    first, second = upload.series(instances=2)
    good = first.read_bytes()
    assert upload(upload.folder, *HERE).status == 0
    spoil_archived(upload, good)
    was_killed(upload, accepted(first), accepted(second), damaged(first))
    old = change(second)
    ran = upload(upload.folder, *HERE, "--overwrite", overwrite, "--mode", mode)
    assert ran.status == 0, ran.err
    assert archived(upload) == {good, old}
    assert "1 file has another MD5 on the server than here" in ran.err


@CAREFUL
def test_one_that_was_mended_and_has_changed_here_since_is_left_as_the_others_are(
    upload: Uploader, overwrite: str
) -> None:
    (first,) = upload.series(instances=1)
    assert upload(upload.folder, *HERE).status == 0
    was_killed(upload, accepted(first), damaged(first), accepted(first))
    old = change(first)
    ran = upload(upload.folder, *HERE, "--overwrite", overwrite)
    assert (ran.status, archived(upload)) == (0, {old}), ran.err


@CAREFUL
@MODES
def test_damage_in_this_run_is_no_reason_to_replace_what_has_changed(
    upload: Uploader, overwrite: str, mode: str
) -> None:
    (first,) = upload.series(instances=1)
    assert upload(upload.folder, *HERE).status == 0
    was_killed(upload, accepted(first))
    old = change(first)
    (second,) = write_series(upload.folder / "s2", series=2, instances=1)
    good = second.read_bytes()
    spoil(upload, good)
    ran = upload(upload.folder, *HERE, "--overwrite", overwrite, "--mode", mode)
    assert ran.status == 0, ran.err
    assert archived(upload) == {good, old}
    assert "1 file had another MD5 on the server than was sent; sent again" in ran.err


@pytest.mark.parametrize("overwrite", [(), *(("--overwrite", v) for v in ("none", "append"))])
@MODES
def test_what_was_sent_again_and_not_archived_yet_replaces_the_damaged_one(
    upload: Uploader, overwrite: tuple[str, ...], mode: str
) -> None:
    first, second = upload.series(instances=2)
    good = first.read_bytes()
    spoil(upload, good)
    broken: list[str] = []

    def fail_once(request: Request) -> Response | None:
        # Not the first archiving: the one that is to replace something.
        if request.path != "/data/services/archive" or broken:
            return None
        if request.values.get("overwrite") != "delete":
            return None
        broken.append(request.path)
        return Response("<html>down</html>", 400, mimetype="text/html")

    upload.xnat.before(fail_once)
    words = (upload.folder, *HERE, *overwrite, "--mode", mode)
    ran = upload(*words)
    assert (ran.status != 0, len(broken)) == (True, 1), ran.err
    assert good not in archived(upload)
    again = upload(*words)
    assert (again.status, upload.staged()) == (0, []), again.err
    assert archived(upload) == {good, second.read_bytes()}


def test_what_was_begun_when_journals_named_no_study_is_gone_on_with(upload: Uploader) -> None:
    first, *_ = upload.series(instances=3)
    line = accepted(first)
    scans = {"1": {line.name: first.read_bytes()}, "9": {"other.dcm": b"of somebody"}}
    upload.xnat.has_session("P1", "S1", "E1", scans=scans)
    words = (upload.folder, *HERE, "--overwrite", "none")
    assert (upload(*words).status, upload.count()) == (1, 2)
    was_killed(upload, line)
    ran = upload(*words)
    assert (ran.status, ran.record["files"], upload.count()) == (0, 2, 4), ran.err
