"""Files of which listings tell nothing that could be compared: their content is."""

from __future__ import annotations

import hashlib
import re
from typing import cast

import pytest
from werkzeug.wrappers import Request, Response

from support.sandbox import XNAT
from support.transfers import Transfer, anonymize, series
from xnat_transfer.contents import SCANS, Known, Place, Row
from xnat_transfer.reading import Reader, Unread
from xnat_transfer.route import Route

SIZE, DIGEST = r'"Size":"\d*"', r'"digest":"\w*"'


def conceal(server: XNAT, *patterns: str, only: str = "") -> None:
    """Have a server list files without these fields, `only` those whose names begin so."""

    def blank(request: Request, response: Response) -> None:
        if not request.path.endswith("/files") or response.mimetype != "application/json":
            return
        rows = re.split(r"(?=\{\")", response.get_data(as_text=True))
        for place, row in enumerate(rows):
            for pattern in patterns if f'"Name":"{only}' in row else ():
                row = re.sub(pattern, lambda found: found[0].partition(":")[0] + ':""', row)
            rows[place] = row
        response.set_data("".join(rows))

    server.app.after(blank)


def reads(server: XNAT, name: str) -> int:
    """How often a file was asked for by itself."""
    return sum(one.path.endswith(f"/{name}") for one in server.requests("GET", "/data"))


@pytest.mark.parametrize("source", [(), (DIGEST,), (SIZE, DIGEST)], ids=len)
def test_a_change_is_found_where_the_destination_lists_neither_size_nor_digest(
    transfer: Transfer, source: tuple[str, ...]
) -> None:
    resources = {"NOTES": {"a.txt": b"first", "b/c d.txt": b"stays"}}
    session = transfer.has_session("S1", "S1_MR1", resources=resources)
    owner = transfer.source.has_subject("A", "S1")
    transfer.source.has_resource(owner, "FORMS", {"yes.txt": b"yes"})
    conceal(transfer.dest, SIZE, DIGEST)
    conceal(transfer.source, *source)
    assert transfer().status == 0
    again = transfer()
    assert (again.status, again.files, again.outcomes) == (0, 0, {"skipped"}), again.err
    assert "S1_MR1: 2 files have no size and no MD5 that both servers list: read" in again.err
    assert "names and sizes" not in again.err
    transfer.source.has_resource(session, "NOTES", {"a.txt": b"later"})
    ran = transfer()
    assert (ran.status, ran.files) == (0, 1), ran.err
    assert [one["verified"] for one in ran.of("session")] == [True]
    there = transfer.dest.store.items.experiment_in("B", "S1_MR1")
    assert there is not None
    assert transfer.dest.files(there, "NOTES") == {"a.txt": b"later", "b/c d.txt": b"stays"}


def test_what_comes_out_otherwise_each_time_fails_and_is_not_sent_for_ever(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xnat_core.lagging.PATIENCE", 0.0)
    transfer.has_session("S1", "S1_MR1", resources={"NOTES": {"a.txt": b"first"}})
    conceal(transfer.dest, SIZE, DIGEST)

    def spoil(request: Request, response: Response) -> None:
        for file in transfer.dest.data.rglob("a.txt") if request.method == "PUT" else ():
            file.write_bytes(b"worse")

    transfer.dest.app.after(spoil)
    ran = transfer("--config", transfer.config(scan_retry_count=1))
    assert ran.status == 8
    assert "1 of them missing or different after 2 rounds (resource NOTES, file a.txt)" in ran.err
    assert len([one for one in transfer.dest.requests("PUT") if "/files/" in one.path]) == 2


def test_only_what_cannot_be_compared_otherwise_is_read(transfer: Transfer) -> None:
    resources = {"NOTES": {"a.txt": b"first", "b.txt": b"second", "c.txt": b"third"}}
    transfer.has_session("S1", "S1_MR1", resources=resources)
    conceal(transfer.dest, SIZE, DIGEST, only="a")
    conceal(transfer.dest, DIGEST, only="b")
    assert transfer().status == 0
    ran = transfer()
    assert ran.files == 0
    assert [reads(transfer.dest, f"{name}.txt") for name in "abc"] == [2, 0, 0]
    assert reads(transfer.source, "a.txt") == 0
    assert "1 file has no size and no MD5 that both servers list: read" in ran.err
    assert "1 file has no MD5 on one of the servers: names and sizes" in ran.err


def test_a_file_that_cannot_be_read_for_a_moment_is_asked_for_again(transfer: Transfer) -> None:
    resources = {"NOTES": {"a.txt": bytes(9000), "b.txt": b"second"}}
    transfer.has_session("S1", "S1_MR1", resources=resources)
    conceal(transfer.dest, SIZE, DIGEST, only="a")
    assert transfer().status == 0
    there = transfer.dest.store.items.experiment_in("B", "S1_MR1")
    assert there is not None
    first, _ = transfer.dest.rows(f"/data/experiments/{there.id}/files?format=json")
    before = reads(transfer.dest, "a.txt")
    transfer.dest.cuts("GET", first["URI"], 5000)
    ran = transfer("--config", transfer.config())
    assert (ran.status, ran.files) == (0, 0), ran.err
    assert reads(transfer.dest, "a.txt") == before + 2


@pytest.mark.parametrize("gone", ["a.txt", "[ab].txt", "*.txt"])
def test_what_the_destination_lists_and_has_not_is_sent_again(
    transfer: Transfer, gone: str
) -> None:
    files = {f"{name}.txt": name.encode() for name in "abcd"}
    transfer.has_session("S1", "S1_MR1", resources={"NOTES": files})
    conceal(transfer.dest, SIZE, DIGEST)
    assert transfer().status == 0
    lost = [*transfer.dest.data.rglob(gone)]
    for file in lost:
        file.unlink()
    ran = transfer("--config", transfer.config())
    assert (ran.status, ran.files) == (0, len(lost)), ran.err
    there = transfer.dest.store.items.experiment_in("B", "S1_MR1")
    assert there is not None
    assert transfer.dest.files(there, "NOTES") == files


def test_what_goes_between_two_listings_is_sent_again(transfer: Transfer) -> None:
    transfer.has_session("S1", "S1_MR1", resources={"NOTES": {"a.txt": b"a", "b.txt": b"b"}})
    conceal(transfer.dest, SIZE, DIGEST)
    assert transfer().status == 0
    lists: list[bool] = []

    def lose(request: Request) -> None:
        """When the files of the session have been listed, and not yet those of the resource."""
        if request.path.endswith("/files") and "/resources/" in request.path and not lists:
            lists.append(True)
            transfer.dest.store.database.execute("DELETE FROM file WHERE path='a.txt'")

    transfer.dest.before(lose)
    ran = transfer("--config", transfer.config())
    assert (ran.status, ran.files, lists) == (0, 1, [True]), ran.err


def test_a_dry_run_reads_as_well(transfer: Transfer) -> None:
    session = transfer.has_session("S1", "S1_MR1", resources={"NOTES": {"a.txt": b"first"}})
    conceal(transfer.dest, SIZE, DIGEST)
    assert transfer().status == 0
    transfer.source.has_resource(session, "NOTES", {"a.txt": b"later"})
    (planned,) = transfer("--dry-run").of("session")
    assert (planned["outcome"], planned["files"]) == ("planned", 1)


@pytest.mark.parametrize("tells", [True, False])
def test_dicom_that_has_changed_is_found(transfer: Transfer, tells: bool) -> None:
    def deny(request: Request) -> Response | None:
        return Response(status=403) if request.path.startswith("/xapi/anonymize") else None

    if not tells:
        transfer.dest.before(deny)
    session = transfer.has_session("S1", "S1_MR1", "MR")
    conceal(transfer.dest, SIZE, DIGEST)
    assert transfer().status == 0
    again = transfer()
    assert (again.status, again.files) == (0, 0), again.err
    (scan,) = transfer.source.store.items.scans(session.id)
    files = transfer.source.files(scan, "DICOM")
    name, data = min(files.items())
    transfer.source.has_scan(session, scan.id, {name: data.replace(b"SANDBOX", b"XXXXXXX")})
    ran = transfer()
    assert (ran.status, ran.files) == (0, 1), ran.err
    there = transfer.dest.store.items.experiment_in("B", "S1_MR1")
    assert there is not None
    (copy,) = transfer.dest.store.items.scans(there.id)
    held = {hashlib.md5(one).hexdigest() for one in transfer.dest.files(copy, "DICOM").values()}
    assert held == {
        hashlib.md5(one).hexdigest() for one in transfer.source.files(scan, "DICOM").values()
    }


@pytest.mark.parametrize("later", [False, True])
def test_dicom_that_lies_in_folders_is_found_by_its_name(transfer: Transfer, later: bool) -> None:
    session = transfer.has_session("S1", "S1_MR1")
    files = series("S1", "S1_MR1", 1, "MR", 3)
    transfer.source.has_scan(session, "1", {f"raw/{name}": files[name] for name in files})
    conceal(transfer.dest, SIZE, DIGEST)
    assert transfer().status == 0
    if later:
        data = files["mr1_0001.dcm"].replace(b"SANDBOX", b"XXXXXXX")
        transfer.source.has_scan(session, "1", {"raw/mr1_0001.dcm": data})
    again = transfer()
    assert (again.status, again.files) == (0, int(later)), again.err


def test_dicom_that_is_rewritten_is_not_read_and_known_by_name_until_it_changes(
    transfer: Transfer,
) -> None:
    session = transfer.has_session("S1", "S1_MR1", "MR")
    anonymize(transfer)
    conceal(transfer.dest, SIZE, DIGEST)
    assert transfer("--config", transfer.config()).status == 0
    again = transfer()
    assert (again.status, again.files) == (0, 0), again.err
    assert "(anonymization): 2 files compared by name" in again.err
    (scan,) = transfer.source.store.items.scans(session.id)
    name, data = min(transfer.source.files(scan, "DICOM").items())
    assert reads(transfer.dest, name) == 0
    transfer.source.has_scan(session, scan.id, {name: data + b"\0\0"})
    ran = transfer()
    assert (ran.status, ran.files > 0) == (0, True), ran.err


def test_one_that_another_row_was_recognised_as_meanwhile_is_not_read() -> None:
    place = Place(SCANS, "1", "DICOM")
    row = Row(SCANS, "1", "DICOM", "IM1", Known(None, b"x" * 16))
    unread = [Unread(place, row, [(place, "a/IM1"), (place, "b/IM1")])]
    known = {place: {"b/IM1": Known(9, b"x" * 16)}}
    reader = Reader(cast(Route, None))
    assert [*reader.completed(unread, {}, {}, known)] == [(place, row)]
