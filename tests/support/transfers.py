"""Two servers, and a transfer from one to the other run in this process."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Request

from support.sandbox import XNAT
from xnat_core.private_files import write_private
from xnat_core.user_paths import config_file
from xnat_sandbox.model import Experiment
from xnat_sandbox.samples import instance_of
from xnat_transfer.cli import main

Listing = dict[str, tuple[int, str]]


@dataclass
class Ran:
    """What a run came to."""

    status: int
    records: list[dict[str, Any]]
    err: str

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Its records of one kind."""
        return [record for record in self.records if record["kind"] == kind]

    @property
    def files(self) -> int:
        """How many files were sent."""
        return sum(record.get("files", 0) for record in self.records)

    @property
    def outcomes(self) -> set[str]:
        """The outcomes of all works."""
        return {record["outcome"] for record in self.records if "outcome" in record}


class Transfer:
    """Runs `xnat-transfer` from project A of one server to project B of another."""

    def __init__(self, source: XNAT, dest: XNAT, capfd: pytest.CaptureFixture[str]) -> None:
        self.source = source
        self.dest = dest
        self._capfd = capfd
        source.has_project("A")
        dest.has_project("B")
        write_profiles(source, dest)

    def __call__(self, *words: object, verb: str = "run") -> Ran:
        """Run it with these words."""
        return self._ran([verb, *ENDS, *map(str, words)])

    def fed(
        self,
        records: list[dict[str, Any]],
        monkeypatch: pytest.MonkeyPatch,
        *words: object,
    ) -> Ran:
        """Run it on records that are on standard input."""
        text = "".join(json.dumps(record) + "\n" for record in records)
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        return self._ran(["run", *ENDS[4:], *map(str, words)])

    def config(self, **settings: object) -> Path:
        """A configuration with these settings, and no pauses."""
        file = Path.home() / "transfer.yaml"
        file.write_text(json.dumps({"scan_retry_delay": 0, **settings}))
        return file

    def process(self, *words: object) -> subprocess.Popen[bytes]:
        """Begin it in a process of its own."""
        return subprocess.Popen(
            ["xnat-transfer", "run", *ENDS, *map(str, words)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def say(self, *words: object) -> Ran:
        """Run a verb without the ends."""
        return self._ran([*map(str, words)])

    def _ran(self, words: list[str]) -> Ran:
        self._capfd.readouterr()
        status = main(words)
        out, err = self._capfd.readouterr()
        return Ran(status, [json.loads(line) for line in out.splitlines()], err)

    # Furnishing

    def has_session(
        self, subject: str, label: str, *series: str, instances: int = 2, **more: Any
    ) -> Experiment:
        """A session of the source with a DICOM series for each modality named."""
        session = self.source.has_session(
            "A",
            subject,
            label,
            xsi_type=TYPES[(series or ("MR",))[0]],
            UID=study_of(subject, label),
            **more,
        )
        with self.source.store.database.transaction():
            for number, modality in enumerate(series, 1):
                self.has_series(session, subject, number, modality, instances)
        return session

    def has_series(
        self, session: Experiment, subject: str, number: int, modality: str, instances: int
    ) -> None:
        """A scan with these many instances."""
        files = series(subject, session.label, number, modality, instances)
        scan = self.source.has_scan(session, str(number), files, type=f"{modality} {number}")
        uid = series_uid(subject, session.label, number)
        self.source.store.items.update_scan(scan.number, fields={"UID": uid}, user="admin")


ENDS = [
    *("-p", "source", "-P", "A"),
    *("--dest-profile", "dest", "--dest-project", "B"),
]
TYPES = {"MR": "xnat:mrSessionData", "PT": "xnat:petSessionData", "CT": "xnat:ctSessionData"}


def write_profiles(source: XNAT, dest: XNAT) -> None:
    """Profiles `source` and `dest`, with administrators that have different names."""
    user, password = dest.has_user("keeper", "keeper-password")
    dest.store.accounts.join(user, "B_owner")
    name, secret = source.admin
    profiles = {
        "source": {"url": source.url, "username": name, "password": secret},
        "dest": {"url": dest.url, "username": user, "password": password},
    }
    write_private(
        config_file(), json.dumps({"default_profile": "source", "profiles": profiles}).encode()
    )


def series(
    subject: str, label: str, number: int, modality: str, instances: int
) -> dict[str, bytes]:
    """The files of a series, by name."""
    return {
        f"{modality.lower()}{number}_{instance:04d}.dcm": written(
            modality=modality,
            series=number,
            instance=instance,
            patient=subject,
            session=label,
            study_uid=study_of(subject, label),
            series_uid=series_uid(subject, label, number),
        )
        for instance in range(1, instances + 1)
    }


def written(**sample: Any) -> bytes:
    """One DICOM object as a file has it."""
    target = io.BytesIO()
    instance_of(**sample).save_as(target, enforce_file_format=True)
    return target.getvalue()


def study_of(subject: str, label: str) -> str:
    """The UID of a session's study."""
    from pydicom.uid import generate_uid

    return str(generate_uid(entropy_srcs=["study", subject, label]))


def series_uid(subject: str, label: str, number: int) -> str:
    """The UID of a series."""
    from pydicom.uid import generate_uid

    return str(generate_uid(entropy_srcs=["series", subject, label, str(number)]))


def everything(xnat: XNAT, project: str) -> Listing:
    """Every file of a project by a path made of labels, with size and MD5."""
    found: Listing = {}

    def add(name: str, where: str) -> None:
        for row in xnat.rows(f"{where}/files?format=json"):
            inside = row["URI"].partition("/files/")[2]
            key = f"{name}/{row['collection']}/{inside}"
            assert key not in found, f"{key} is there twice"
            found[key] = (int(row["Size"]), row["digest"])

    items = xnat.store.items
    add("", f"/data/projects/{project}")
    for subject in items.subjects_of_project(project):
        add(f"/{subject.label}", f"/data/projects/{project}/subjects/{subject.id}")
        for session in items.experiments_of_subject(subject.id):
            where = f"/data/experiments/{session.id}"
            name = f"/{subject.label}/{session.label}"
            add(name, where)
            for scan in items.scans(session.id):
                add(f"{name}/scan {scan.id}", f"{where}/scans/{scan.id}")
            for assessor in items.assessors(session.id):
                add(f"{name}/{assessor.label}", f"{where}/assessors/{assessor.id}")
    return found


def anonymize(transfer: Transfer) -> None:
    """Have the destination rewrite what it receives, and say so."""

    def rewrite(path: Path) -> bool:
        path.write_bytes(path.read_bytes().replace(b"SANDBOX", b"XXXXXXX"))
        return True

    transfer.dest.settings.anonymize = rewrite
    transfer.dest.call("PUT", "/xapi/anonymize/site", data='version "6.3"\n(0008,0070) := "X"\n')


def furnish(transfer: Transfer) -> None:
    """Three subjects with MR and PET sessions, and resources of every kind."""
    source = transfer.source
    project = source.has_project("A")
    source.has_resource(project, "PROTOCOL", {"protocol.pdf": b"%PDF"})
    for number in (1, 2, 3):
        session = transfer.has_session(
            f"S{number}", f"S{number}_MR1", "MR", "MR", resources={"NOTES": notes(2)}
        )
        subject = source.has_subject("A", f"S{number}", gender="female")
        source.has_resource(subject, "FORMS", {"consent.txt": b"yes"})
        for scan in source.store.items.scans(session.id):
            source.has_resource(scan, "NIFTI", {"image.nii.gz": b"\x1f\x8bnifti"})
            source.has_resource(scan, "SNAPSHOTS", {"a.gif": b"GIF", "b.gif": b"GIF2"})
        with source.store.database.transaction():
            assessor = source.store.items.create_experiment(
                "A", f"QC{number}", "xnat:qcManualAssessorData", session_id=session.id
            )
        source.has_resource(assessor, "REPORT", {"report.html": b"<html>"})
    transfer.has_session("S3", "S3_PET1", "PT", "CT")


def notes(count: int) -> dict[str, bytes]:
    """These many small files."""
    return {f"{n}/note {n}.txt": hashlib.md5(bytes([n])).digest() for n in range(count)}


def written_to(transfer: Transfer) -> list[Request]:
    """The requests that changed the destination."""

    def writes() -> Iterator[Request]:
        for method in ("PUT", "POST", "DELETE"):
            for request in transfer.dest.requests(method, "/data"):
                if not request.path.startswith(("/data/JSESSION", "/data/services/auth")):
                    yield request

    return list(writes())


def state_file(tmp_path: Path) -> Path:
    """The database of the state."""
    return tmp_path / "home" / "state" / "xnatctl" / "transfer.db"
