"""Commands that something may happen to, and how to tell whether they did what was asked.

Each case has a project of its own on a server that all share, so that thousands of them are cheap.
"""

from __future__ import annotations

import hashlib
import io
import json
import random
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from support.imports import send_zip
from support.sandbox import XNAT
from xnat_sandbox.intake import intake_of
from xnat_sandbox.samples import write_series

Record = dict[str, Any]


@dataclass
class Case:
    """One command in a project of its own.

    `read` are the records that the last run printed, `printed` its whole standard output.
    """

    xnat: XNAT
    url: str
    folder: Path
    number: int
    printed: str = ""

    @property
    def project(self) -> str:
        """Its project."""
        return f"P{self.number}"

    @property
    def read(self) -> list[Record]:
        """The records that were printed; none when it is something else."""
        try:
            return [json.loads(line) for line in self.printed.splitlines()]
        except json.JSONDecodeError:
            return []

    @property
    def out(self) -> Path:
        """Where downloads go."""
        return self.folder / "out"

    def random(self, size: int) -> bytes:
        """Bytes that no other case has."""
        return random.Random(f"{self.number} {size}").randbytes(size)

    def record(self, kind: str, **facts: str) -> list[Record]:
        """A record for standard input."""
        return [{"kind": kind, "server": self.url, "project": self.project, **facts}]

    def session(self) -> Record:
        """The session E1 of the project, as a record."""
        found = self.xnat.store.items.experiment_in(self.project, "E1")
        assert found is not None
        uri = f"/data/experiments/{found.id}"
        return self.record("session", id=found.id, label="E1", uri=uri, subject="S1")[0]

    def archived(self) -> Counter[str]:
        """The digests of all files of the scans of E1 on the server."""
        session = self.xnat.store.items.experiment_in(self.project, "E1")
        scans = self.xnat.store.items.scans(session.id) if session else []
        return digests(data for scan in scans for data in self.xnat.files(scan, "DICOM").values())

    def staged(self) -> list[str]:
        """The statuses of its rows in the prearchive and of its direct archive."""
        intake = intake_of(self.xnat.app)
        rows = [(row.project, row.status) for row in intake.prearchive.all()]
        rows += [(row.project, row.status) for row in intake.direct.all()]
        ours = (self.project, f"{self.project}_COPY")
        return [status for project, status in rows if project in ours]


@dataclass(frozen=True)
class Scenario:
    """A command: `furnish` prepares and returns words and records; `right` judges what became.

    `verify` are words that make it compare digests with the server, None where it cannot, and
    `mend` those that replace what such a comparison has found to differ. `again` is the status of
    the same command when all has been done already.
    """

    module: str
    furnish: Callable[[Case], tuple[list[str], list[Record]]]
    right: Callable[[Case], bool]
    verify: tuple[str, ...] | None = None
    mend: tuple[str, ...] = ()
    again: int = 0

    def main(self, words: list[str]) -> int:
        """Run the tool in this process."""
        status: int = import_module(f"{self.module}.cli").main(words)
        return status


def digests(contents: Any) -> Counter[str]:
    """How often each content is there."""
    return Counter(hashlib.md5(data).hexdigest() for data in contents)


# Uploads

HERE = ["-S", "S1", "-E", "E1"]


def incoming(case: Case) -> Path:
    """A study of two series."""
    for series in (1, 2):
        write_series(case.folder / "incoming" / str(series), series=series, study_uid="1.2.3")
    return case.folder / "incoming"


def upload(case: Case, *options: str) -> tuple[list[str], list[Record]]:
    """`xnat-upload dicom` of two series."""
    case.xnat.has_project(case.project)
    words = ["dicom", str(incoming(case)), "-P", case.project, *HERE, "-w", "1", *options]
    return words, []


def all_archived(case: Case) -> bool:
    """Every instance is archived once, and nothing is left on the way."""
    sent = digests(path.read_bytes() for path in case.folder.glob("incoming/*/*"))
    return case.archived() == sent and case.staged() == []


def all_staged(case: Case) -> bool:
    """Every instance waits once in one row of the prearchive."""
    rows = [r for r in intake_of(case.xnat.app).prearchive.all() if r.project == case.project]
    if [row.status for row in rows] != ["READY"]:
        return False
    uri = f"/data/prearchive/projects/{case.project}/{rows[0].timestamp}/{rows[0].folder}"
    files = [
        row
        for scan in ("1", "2")
        for row in case.xnat.rows(f"{uri}/scans/{scan}/resources/DICOM/files?format=json")
    ]
    return len(files) == 6 and case.archived() == Counter()


def upload_files(case: Case) -> tuple[list[str], list[Record]]:
    """`xnat-upload resource` of three files."""
    case.xnat.has_session(case.project, "S1", "E1")
    folder = case.folder / "files"
    (folder / "sub").mkdir(parents=True)
    for name, size in (("a.txt", 700), ("b.txt", 0), ("sub/c.bin", 90_000)):
        (folder / name).write_bytes(case.random(size))
    return ["resource", "-P", case.project, "E1", "FILES", str(folder)], []


def all_files(case: Case) -> bool:
    """The resource has the files of the folder and no others."""
    session = case.xnat.store.items.experiment_in(case.project, "E1")
    assert session is not None
    folder = case.folder / "files"
    wanted = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    return case.xnat.files(session, "FILES") == wanted


def upload_exam(case: Case) -> tuple[list[str], list[Record]]:
    """`xnat-upload exam` of two series, a folder and a loose file."""
    case.xnat.has_project(case.project)
    root = incoming(case)
    (root / "Physio").mkdir()
    (root / "Physio" / "pulse.log").write_bytes(case.random(400))
    (root / "README.txt").write_bytes(case.random(40))
    return ["exam", str(root), "-P", case.project, *HERE, "-w", "1", "--wait-interval", "0.1"], []


def whole_exam(case: Case) -> bool:
    """The instances are archived, and both resources are there."""
    session = case.xnat.store.items.experiment_in(case.project, "E1")
    if session is None:
        return False
    sent = digests(path.read_bytes() for path in case.folder.glob("incoming/[12]/*"))
    physio = case.xnat.files(session, "Physio") == {"pulse.log": case.random(400)}
    misc = case.xnat.files(session, "MISC") == {"README.txt": case.random(40)}
    return case.archived() == sent and case.staged() == [] and physio and misc


# Downloads


def contents(case: Case) -> dict[str, dict[str, bytes]]:
    """What the scans of E1 hold: files of many sizes, an empty one, and one in a folder."""
    sizes = {"1": (100, 3000, 512, 0), "2": (70_000, 1, 1024)}
    return {
        scan: {f"{n}.dcm": case.random(size) for n, size in enumerate(found)}
        for scan, found in sizes.items()
    }


def download(case: Case, *options: str) -> tuple[list[str], list[Record]]:
    """`xnat-download session` with two scans and a resource."""
    resources = {"NOTES": {"d/e.txt": case.random(333)}}
    case.xnat.has_session(case.project, "S1", "E1", contents(case), resources=resources)
    words = ["session", "-P", case.project, "-E", "E1", "--out", str(case.out), *options]
    return [*words, "--session-resources"], []


def all_fetched(case: Case) -> bool:
    """The disk holds every file and nothing else."""
    wanted = {
        f"E1/scans/{scan}/resources/DICOM/files/{name}": data
        for scan, files in contents(case).items()
        for name, data in files.items()
    }
    wanted["E1/resources/NOTES/files/d/e.txt"] = case.random(333)
    found = {
        path.relative_to(case.out).as_posix(): path.read_bytes()
        for path in case.out.rglob("*")
        if path.is_file() and path.name != "manifest.ndjson"
    }
    return found == wanted


def all_zipped(case: Case) -> bool:
    """The archives that were kept hold every file."""
    found: Counter[str] = Counter()
    for path in case.out.rglob("*.zip"):
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
            found += digests(archive.read(name) for name in archive.namelist())
    wanted = digests(data for files in contents(case).values() for data in files.values())
    left = [path for path in case.out.rglob("*") if path.name.startswith(".")]
    return found == wanted + digests([case.random(333)]) and not left


BIG = 300_000


def download_file(case: Case) -> tuple[list[str], list[Record]]:
    """`xnat-download` of the record of one larger file."""
    session = case.xnat.has_session(
        case.project, "S1", "E1", resources={"R": {"b.bin": case.random(BIG)}}
    )
    uri = f"/data/experiments/{session.id}/resources/R/files/b.bin"
    facts = {"name": "b.bin", "path": "b.bin", "session": "E1", "session_id": session.id}
    digest = hashlib.md5(case.random(BIG)).hexdigest()
    record = case.record("file", uri=uri, resource="R", digest=digest, **facts)
    record[0]["size"] = BIG
    return ["--out", str(case.out)], record


def file_fetched(case: Case) -> bool:
    """The file is there and nothing else."""
    found = [p for p in case.out.rglob("*") if p.is_file() and p.name != "manifest.ndjson"]
    return [path.read_bytes() for path in found] == [case.random(BIG)]


# Listings


def listing(case: Case, *words: str, kind: str = "") -> tuple[list[str], list[Record]]:
    """`xnat-ls` below a project with two sessions."""
    case.xnat.has_session(case.project, "S1", "E1", contents(case))
    case.xnat.has_session(case.project, "S2", "E2", {"9": {"x.dcm": b"x"}})
    return [*words], case.record("project", id=case.project) if kind else []


def listed(key: str, *wanted: str) -> Callable[[Case], bool]:
    """Whether the records printed have these values, none missing, none twice."""
    return lambda case: sorted(str(record.get(key)) for record in case.read) == sorted(wanted)


# The prearchive, and raw requests


def archive(case: Case) -> tuple[list[str], list[Record]]:
    """`xnat-prearchive archive` of a row that is ready."""
    case.xnat.has_project(case.project)
    files = {path.name: path.read_bytes() for path in incoming(case).glob("*/*")}
    dest = f"/prearchive/projects/{case.project}"
    with pytest.MonkeyPatch.context() as patch:
        # On a slow disk the server would take what comes in for what has come to rest.
        patch.setattr(case.xnat.settings, "rebuild_idle", 3600.0)
        sent = send_zip(case.xnat, files, dest=dest, subject="S1", session="E1")
    assert sent.status_code == 200, sent.text
    *_, timestamp, name = sent.text.strip().split("/")
    return ["archive", case.project, timestamp, name], []


def get(case: Case) -> tuple[list[str], list[Record]]:
    """`xnat-rest get` of a listing."""
    listing(case)
    return ["get", f"/data/projects/{case.project}/experiments?format=json"], []


def put(case: Case) -> tuple[list[str], list[Record]]:
    """`xnat-rest put` of a file into a resource."""
    session = case.xnat.has_session(case.project, "S1", "E1", resources={"FILES": {}})
    (case.folder / "files").mkdir()
    (case.folder / "files" / "a.bin").write_bytes(case.random(5000))
    path = f"/data/experiments/{session.id}/resources/FILES/files/a.bin"
    words = ["--params", "inbody=true", "--params", "overwrite=true"]
    return ["put", path, *words, "--file", str(case.folder / "files/a.bin")], []


LOADING = {
    "upload": Scenario("xnat_upload", partial(upload), all_archived, ()),
    "upload zip": Scenario("xnat_upload", lambda c: upload(c, "--mode", "zip"), all_archived, ()),
    "upload gradual": Scenario(
        "xnat_upload", lambda c: upload(c, "--mode", "gradual"), all_archived, ()
    ),
    "upload to prearchive": Scenario(
        "xnat_upload", lambda c: upload(c, "--prearchive"), all_staged
    ),
    "upload resource": Scenario("xnat_upload", upload_files, all_files, (), ("--overwrite",)),
    "upload exam": Scenario("xnat_upload", upload_exam, whole_exam, ()),
    "download": Scenario("xnat_download", partial(download), all_fetched),
    "download zip": Scenario("xnat_download", lambda c: download(c, "--zip"), all_zipped),
    "download file": Scenario("xnat_download", download_file, file_fetched),
    "list sessions": Scenario(
        "xnat_ls",
        lambda c: listing(c, "sessions", "-P", c.project),
        listed("label", "E1", "E2"),
    ),
    "list scans": Scenario(
        "xnat_ls", lambda c: listing(c, "scans", "-P", c.project), listed("id", "1", "2", "9")
    ),
    "list files": Scenario(
        "xnat_ls",
        lambda c: listing(c, "files", "-P", c.project, "-E", "E1"),
        listed("name", "0.dcm", "0.dcm", "1.dcm", "1.dcm", "2.dcm", "2.dcm", "3.dcm"),
    ),
    "archive": Scenario("xnat_prearchive", archive, all_archived),
    "get": Scenario("xnat_rest", get, listed("label", "E1", "E2")),
    "put": Scenario("xnat_rest", put, all_files),
}
