"""Servers that keep no digests: what has another size is another file."""

from __future__ import annotations

import re
from typing import cast

import pytest
from werkzeug.wrappers import Request, Response

from support.transfers import Transfer, everything, series, series_uid, study_of
from xnat_core.models import Resource
from xnat_transfer.contents import SCANS, Contents, Holding, Known, Place, Row
from xnat_transfer.difference import There, compare
from xnat_transfer.reading import Reader
from xnat_transfer.route import Route


@pytest.mark.parametrize("more", [b" and more", b""])
def test_without_digests_a_file_of_another_size_is_sent_again(
    transfer: Transfer, more: bytes
) -> None:
    resources = {"NOTES": {"a.txt": b"first", "b.txt": b"same"}}
    session = transfer.has_session("S1", "S1_MR1", resources=resources)

    def blank(request: Request, response: Response) -> None:
        if request.path.endswith("/files") and response.mimetype == "application/json":
            text = response.get_data(as_text=True)
            response.set_data(re.sub(r'"digest":"\w+"', '"digest":""', text))

    for server in (transfer.source, transfer.dest):
        server.app.after(blank)
    assert transfer().status == 0
    transfer.source.has_resource(session, "NOTES", {"a.txt": b"first" + more})
    ran = transfer()
    assert (ran.status, ran.files) == (0, 1 if more else 0), ran.err
    sizes = [
        {name: size for name, (size, _) in everything(server, project).items()}
        for server, project in ((transfer.source, "A"), (transfer.dest, "B"))
    ]
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize("digests", [True, False])
def test_as_many_images_of_other_names_and_bytes_are_not_taken_for_these(
    transfer: Transfer, digests: bool
) -> None:
    transfer.has_session("S1", "S1_MR1", "MR")
    ours = series("S1", "S1_MR1", 1, "MR", 2)
    # Of the same sizes where the digests tell, else of others.
    theirs = {
        f"IM{number}.dcm": data.replace(b"SANDBOX", b"XXXXXXX") + b"" if digests else data + b"\0\0"
        for number, data in enumerate(ours.values())
    }
    dest = transfer.dest
    made = dest.has_session("B", "S1", "S1_MR1", UID=study_of("S1", "S1_MR1"), scans={"1": theirs})
    (scan,) = dest.store.items.scans(made.id)
    uid = series_uid("S1", "S1_MR1", 1)
    dest.store.items.update_scan(scan.number, fields={"UID": uid}, user="admin")
    if not digests:
        for server in (transfer.source, dest):
            server.store.database.execute("UPDATE file SET digest=''")
    ran = transfer()
    held = set(dest.files(scan, "DICOM").values())
    assert (ran.status, ran.files, set(ours.values()) <= held) == (0, 2, True), ran.err


def test_one_of_two_images_of_one_name_is_not_taken_for_either() -> None:
    place = Place(SCANS, "1", "DICOM")
    files = {f"{folder}/IM1": Known(10, folder.encode() * 16) for folder in "ab"}
    wanted = Contents(holdings={place: Holding(Resource(label="DICOM"), files)})
    rows = [Row(SCANS, "1", "DICOM", "IM1", Known(9, b"x" * 16))]
    held = There(
        scans={"1": "1"}, places={place: Resource(label="DICOM")}, rows=rows, anonymizes=True
    )
    reader = Reader(cast(Route, None))
    (lack,) = compare(wanted, held, lambda place, print: True, reader).lacks
    assert lack.paths == ("a/IM1", "b/IM1")
