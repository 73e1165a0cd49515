"""What a transfer has made, judged by clients that know nothing of it."""

from __future__ import annotations

import gc
import hashlib
import sys
import zipfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest
import xnat as xnatpy

from support.sandbox import XNAT
from support.transfers import Transfer

SUBJECTS = 20
CARE = ("with space.txt", "umlaut ä.txt", "a+b&c=d.txt", "deep/er/1/x.txt", "100%.txt")

Seen = dict[str, object]


@pytest.fixture
def transferred(make_xnat: Callable[[], XNAT], capfd: pytest.CaptureFixture[str]) -> Transfer:
    """Twenty subjects with MR and PET sessions and resources on all levels, transferred."""
    transfer = Transfer(make_xnat(), make_xnat(), capfd)
    source = transfer.source
    source.has_resource(source.has_project("A"), "PROTOCOL", {"protocol v1.pdf": b"%PDF"})
    for number in range(1, SUBJECTS + 1):
        subject = f"S{number:02}"
        mr = transfer.has_session(subject, f"{subject}_MR1", "MR", "MR")
        for scan in source.store.items.scans(mr.id):
            source.has_resource(scan, "NIFTI", {"a b.nii.gz": subject.encode() * 100})
            source.has_resource(scan, "SNAPSHOTS", {"1.gif": b"GIF89a", "1_t.gif": b"GIF"})
        if number % 2:
            transfer.has_session(subject, f"{subject}_PET1", "PT", "PT")
        if number % 5 == 0:
            source.has_resource(mr, "NOTES", {name: name.encode() for name in CARE})
    ran = transfer("--workers", 2)
    assert ran.status == 0, ran.err
    return transfer


def md5(data: bytes) -> str:
    """The MD5 of bytes."""
    return hashlib.md5(data).hexdigest()


def as_xnatpy_sees(xnat: XNAT, project: str) -> Seen:
    """Types, attributes and the digests of all resources' files."""
    user, password = xnat.admin
    seen: Seen = {}

    def add(place: str, item: Any) -> None:
        for resource in item.resources.values():
            for path, file in resource.files.items():
                seen[f"{place}/{resource.label}/{path}"] = (file.size, file.digest)

    with xnatpy.connect(xnat.url, user=user, password=password, loglevel="ERROR") as peer:
        add("", peer.projects[project])
        for subject in peer.projects[project].subjects.values():
            add(subject.label, subject)
            for session in subject.experiments.values():
                place = f"{subject.label}/{session.label}"
                seen[place] = (type(session).__name__, str(session.uid))
                add(place, session)
                for scan in session.scans.values():
                    seen[f"{place}/{scan.id}"] = (type(scan).__name__, scan.type, scan.quality)
                    add(f"{place}/{scan.id}", scan)
    gc.collect()
    return seen


def downloaded(xnat: XNAT, project: str, label: str, folder: Path) -> dict[str, str]:
    """The files of a session's scans as xnatpy downloads them, by name."""
    user, password = xnat.admin
    target = folder / f"{project}.zip"
    with xnatpy.connect(xnat.url, user=user, password=password, loglevel="ERROR") as peer:
        peer.projects[project].experiments[label].download(str(target), verbose=False)
    gc.collect()
    with zipfile.ZipFile(target) as archive:
        return {name: md5(archive.read(name)) for name in archive.namelist()}


def test_xnatpy_sees_the_same_on_both_servers(transferred: Transfer, tmp_path: Path) -> None:
    here = as_xnatpy_sees(transferred.source, "A")
    assert len(here) == 1 + SUBJECTS * (3 + 2 * 2 + 2 * 3) + SUBJECTS // 2 * (3 + 2 * 2) + 4 * 5
    assert as_xnatpy_sees(transferred.dest, "B") == here
    whole = downloaded(transferred.source, "A", "S05_MR1", tmp_path)
    assert len(whole) >= 10
    assert downloaded(transferred.dest, "B", "S05_MR1", tmp_path) == whole


def test_pyxnat_sees_the_same_on_both_servers(
    transferred: Transfer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # pyxnat imports its image analysis with everything else, but declares none of what that needs.
    for name in ("nibabel", "numpy", "pandas"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    pyxnat = cast(Any, import_module("pyxnat"))

    def seen(xnat: XNAT, project: str) -> Seen:
        peer = pyxnat.Interface(xnat.url, *xnat.admin)
        found: Seen = {}
        for subject in peer.select.project(project).subjects():
            for session in subject.experiments():
                scans = session.scans().get()
                found[f"{subject.label()}/{session.label()}"] = (session.datatype(), sorted(scans))
        files = peer.select.project(project).subject("S05").experiment("S05_MR1").scan("2")
        for resource in files.resources():
            for file in resource.files():
                local = file.get(str(tmp_path / f"{project} {file.id()}"))
                found[f"{resource.label()}/{file.id()}"] = md5(Path(local).read_bytes())
        peer.disconnect()
        return found

    here = seen(transferred.source, "A")
    assert len(here) == SUBJECTS * 3 // 2 + 5
    assert seen(transferred.dest, "B") == here
