"""Filing one DICOM object: whose it is, where it goes, and writing it there."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from .dicom_header import Header, peek
from .dicom_labels import auto_archive, clean, project_candidates, session_label, subject_label
from .dicom_names import file_name, scan_folder, template_name
from .dicom_routing import first_label
from .direct_table import DirectArchive, DirectSession
from .file_locks import Busy, FileLocks
from .permissions import Caller
from .prearchive_build import dicom_date, dicom_time
from .prearchive_table import Prearchive
from .staged_session import AUTO_ARCHIVE, UNASSIGNED, Arrival, StagedSession
from .store import Store

BLOCK = 1 << 20
CONCURRENT = "Concurrent file sends of the same data is not supported."


class Refused(Exception):
    """The object is understood but not taken."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the objects of one request are to be filed. Empty text: as the object itself says."""

    project: str = ""
    subject: str = ""
    session: str = ""
    visit: str = ""
    protocol: str = ""
    timestamp: str = ""
    folder: str = ""
    source: str = ""
    rename: bool = False
    auto_archive: bool = False
    prevent_anon: bool = False
    prevent_auto_commit: bool = False
    direct: bool = False
    project_rules: str = ""
    """Routing expressions of a C-STORE receiver, like those of subject and session."""
    subject_rules: str = ""
    session_rules: str = ""


@dataclass(frozen=True, slots=True)
class Filed:
    """Where an object went."""

    session: StagedSession | DirectSession
    directory: Path

    @property
    def uri(self) -> str:
        return self.session.uri


class Receiver:
    """Takes objects from the importers and the C-STORE receiver, any number at a time."""

    def __init__(self, store: Store, prearchive: Prearchive, direct: DirectArchive) -> None:
        self._store = store
        self._prearchive = prearchive
        self._direct = direct
        self.locks = FileLocks()
        self._spool = store.disk.staging_directory()
        self._numbers = itertools.count()

    def reception(self, delivery: Delivery) -> Reception:
        """One request's worth of objects."""
        return Reception(self, delivery)

    def file(
        self, header: Header, head: bytes, rest: BinaryIO, name: str, reception: Reception
    ) -> Filed | None:
        """Write an object whose first bytes are `head`; None when anonymisation rejects it."""
        settings = self._store.settings
        delivery = reception.delivery
        if settings.import_fault and (trouble := settings.import_fault(header.sop_instance_uid)):
            raise Refused(trouble)
        spooled: Path | None = None
        if settings.anonymize and not delivery.prevent_anon:
            spooled = self._write(head, rest)
            if not settings.anonymize(spooled):
                spooled.unlink(missing_ok=True)
                return None
        filed = self._place(header, reception)
        directory = filed.directory / "SCANS" / scan_folder(header) / "DICOM"
        chosen = (
            template_name(header)
            if delivery.rename or not name
            else file_name(directory, name, header)
        )
        try:
            # Until 1.8.7 files of one name kept each other out even in different scans.
            narrow = settings.release >= (1, 8, 7)
            with self.locks.hold((directory if narrow else filed.directory) / chosen):
                spooled = spooled or self._write(head, rest)
                if directory not in reception.made:
                    directory.mkdir(parents=True, exist_ok=True)
                    reception.made.add(directory)
                spooled.replace(directory / chosen)
        except Busy as error:
            raise Refused(CONCURRENT) from error
        if isinstance(filed.session, StagedSession):
            self._prearchive.touch(filed.session)
        else:
            self._direct.touch(filed.session)
        return filed

    def _place(self, header: Header, reception: Reception) -> Filed:
        delivery = reception.delivery
        project = delivery.project or reception.identify(header) or UNASSIGNED
        arrival = Arrival(
            project=project,
            tag=header.study_uid,
            name=clean(delivery.session or reception.routed("session", header))
            or session_label(header),
            subject=clean(delivery.subject or reception.routed("subject", header))
            or subject_label(header),
            scan_date=dicom_date(header.study_date),
            scan_time=dicom_time(header.study_time),
            auto_archive=self._auto_archive(project, header, delivery),
            prevent_anon=delivery.prevent_anon,
            prevent_auto_commit=delivery.prevent_auto_commit,
            source=delivery.source,
            visit=delivery.visit,
            protocol=delivery.protocol,
            timestamp=delivery.timestamp,
            folder=clean(delivery.folder),
        )
        if delivery.direct and project != UNASSIGNED and (row := self._direct.join(arrival)):
            return Filed(row, self._direct.directory(row))
        session = self._prearchive.join(arrival)
        return Filed(session, self._prearchive.directory(session))

    def site_rules(self, level: str) -> str:
        """The site's routing rules for `project`, `subject` or `session`."""
        found = self._store.tools.latest("", "dicom", f"{level}Rules")
        return found.contents if found and found.status == "enabled" else ""

    def _auto_archive(self, project: str, header: Header, delivery: Delivery) -> str:
        asked = auto_archive(header)
        if asked is False:
            return "Manual"
        found = self._store.items.project(project) if project != UNASSIGNED else None
        mode = AUTO_ARCHIVE.get(found.prearchive_code if found else 0, "Manual")
        wanted = asked or delivery.auto_archive
        return "AutoArchive" if wanted and mode == "Manual" else mode

    def project_named(self, candidate: str) -> str:
        """The project that a text in a DICOM object names, if received files may go there."""
        project = self._store.items.project(candidate)
        login = str(self._store.preferences.get("receivedFileUser"))
        if project and Caller(login, self._store).may("edit", project.id):
            return project.id
        return ""

    def _write(self, head: bytes, rest: BinaryIO) -> Path:
        path = self._spool / str(next(self._numbers))
        try:
            with path.open("wb") as target:
                target.write(head)
                while block := rest.read(BLOCK):
                    target.write(block)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path


@dataclass(slots=True)
class Reception:
    """The objects of one request, and what was learnt while filing them."""

    receiver: Receiver
    delivery: Delivery
    filed: dict[str, Filed] = field(default_factory=dict)
    """The sessions that objects went to, by URI, in the order of the first object."""
    made: set[Path] = field(default_factory=set)
    _projects: dict[str, str] = field(default_factory=dict)
    _rules: dict[str, str] = field(default_factory=dict)

    def receive(self, name: str, stream: BinaryIO) -> Filed | None:
        """Read an object from `stream` and file it."""
        header, head = peek(stream)
        filed = self.receiver.file(header, head, stream, name, self)
        if filed:
            self.filed[filed.uri] = filed
        return filed

    def identify(self, header: Header) -> str:
        """The project that the object asks for."""
        for candidate in (self.routed("project", header), *project_candidates(header)):
            if candidate and candidate not in self._projects:
                self._projects[candidate] = self.receiver.project_named(candidate)
            if candidate and self._projects[candidate]:
                return self._projects[candidate]
        return ""

    def routed(self, level: str, header: Header) -> str:
        """What the rules of the C-STORE receiver, then those of the site, make of an object."""
        if level not in self._rules:
            own = {
                "project": self.delivery.project_rules,
                "subject": self.delivery.subject_rules,
                "session": self.delivery.session_rules,
            }
            self._rules[level] = f"{own[level]}\n{self.receiver.site_rules(level)}".strip()
        return first_label(self._rules[level], header)
