"""What happens to a staged session: building, archiving, moving, deleting, and the queue."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from .archiver import ArchiveFailed, ArchiveOptions, Archiver, Incoming, Notice
from .dicom_session import BuiltSession
from .prearchive_build import Empty, build
from .prearchive_table import Locked, Prearchive, Taken
from .staged_session import AUTO_ARCHIVE, RECEIVING, UNASSIGNED, StagedSession
from .store import Store

Answer = TypeVar("Answer")
WORKERS = 8
log = logging.getLogger(__name__)


class Timeout(Exception):
    """The work goes on, but nobody waits for it any longer."""


class Lifecycle:
    """The operations on staged sessions. Each raises Locked when another one is under way."""

    def __init__(self, store: Store, prearchive: Prearchive) -> None:
        self._store = store
        self._prearchive = prearchive
        self.archiver = Archiver(store)
        self._workers = ThreadPoolExecutor(WORKERS, "prearchive")

    def close(self) -> None:
        """Let running operations end and drop those that wait."""
        self._workers.shutdown(wait=True, cancel_futures=True)

    # Operations

    def build(self, session: StagedSession) -> StagedSession:
        """Read the files and write the session document; READY afterwards, or ERROR."""
        with self._prearchive.operation(session, "BUILDING") as operation:
            time.sleep(self._store.settings.build_delay)
            try:
                self._write_document(session)
            except (Empty, OSError) as error:
                operation.outcome = "ERROR"
                self._prearchive.log(session, f"Unable to build session XML: {error}")
        return self._present(session)

    def archive(self, session: StagedSession, options: ArchiveOptions) -> str:
        """Archive a built session and answer its URI; ArchiveFailed leaves CONFLICT or ERROR."""
        with self._prearchive.operation(session, "ARCHIVING") as operation:
            if operation.before in RECEIVING:
                # The document, if any, does not know the latest files.
                operation.outcome = operation.before
                raise ArchiveFailed(f"{session.folder} is still receiving files")
            time.sleep(self._store.settings.archive_delay)
            try:
                self._check_fault(session)
                self._anonymize(session)
                return self._archive(session, options)
            except ArchiveFailed as error:
                operation.outcome = "CONFLICT" if error.conflict else "ERROR"
                self._prearchive.log(session, str(error))
                raise

    def archive_within_time(self, session: StagedSession, options: ArchiveOptions) -> str:
        """`archive`, waited for as long as the site allows; Timeout leaves the worker at it."""
        work = self._workers.submit(self.archive, session, options)
        return self._wait(work)

    def move(self, session: StagedSession, project: str) -> StagedSession:
        """Give a session to another project; Taken when that one has it already."""
        if self._is_taken(session, project):
            raise Taken(f"{project} has this session already")
        with self._prearchive.operation(session, "MOVING"), self._store.database.transaction():
            place, document = (
                self._prearchive.directory(session),
                self._prearchive.document(session),
            )
            moved = self._prearchive.update(
                session, project=project, auto_archive=self.auto_archive_mode(project)
            )
            self._store.disk.move_directory(place, self._prearchive.directory(moved))
            self._store.disk.move_directory(document, self._prearchive.document(moved))
        # A READY row has a document, and the old one names the old project.
        return self.build(moved)

    def delete(self, session: StagedSession) -> None:
        """Remove row and files."""
        with self._prearchive.operation(session, "DELETING"):
            self._forget(session)

    def settle(self, session: StagedSession) -> str | None:
        """Build, and archive where the row says so; the archive URI, if it came to that."""
        built = self.build(session)
        if built.status != "READY" or built.auto_archive == "Manual":
            return None
        if built.project == UNASSIGNED:
            return None
        return self.archive(built, self.automatic_options(built))

    def later(self, session: StagedSession, status: str, work: Callable[[], object]) -> None:
        """Queue an operation; the row shows `QUEUED_{status}` until it begins."""
        queued = replace(session, status=f"QUEUED_{status}")
        if session.is_locked or not self._prearchive.exchange(session, queued.status):
            raise Locked(f"{session.url} is in use")

        def run() -> None:
            time.sleep(self._store.settings.queue_delay)
            try:
                work()
            except ArchiveFailed:
                # The status tells, and the session's log has the reason.
                pass
            except (Locked, Taken, LookupError):
                self._prearchive.exchange(queued, session.status)

        self.submit(run)

    def submit(self, work: Callable[[], object]) -> None:
        """Run something when a worker is free."""
        self._workers.submit(_logged, work)

    # Knowledge

    def built(self, session: StagedSession) -> BuiltSession | None:
        """The session document, None before the first build."""
        document = self._prearchive.document(session)
        return BuiltSession.from_xml(document) if document.is_file() else None

    def notices(self, session: StagedSession, options: ArchiveOptions) -> list[Notice]:
        """What speaks against archiving."""
        return self.archiver.notices(self._incoming(session), options)

    def auto_archive_mode(self, project: str) -> str:
        """What a project does with what was built."""
        found = self._store.items.project(project) if project != UNASSIGNED else None
        return AUTO_ARCHIVE.get(found.prearchive_code if found else 0, "Manual")

    def automatic_options(self, session: StagedSession) -> ArchiveOptions:
        """How a session is archived that nobody archives by hand."""
        mode = self.auto_archive_mode(session.project)
        return ArchiveOptions(
            user=str(self._store.preferences.get("receivedFileUser")),
            merge=mode != "Manual",
            override=mode == "AutoArchiveOverwrite",
            replace_files=mode == "AutoArchiveOverwrite",
        )

    def import_options(
        self,
        session: StagedSession,
        user: str,
        overwrite: str,
        *,
        replace_files: bool = False,
        quarantine: bool = False,
        pipelines: bool = True,
    ) -> ArchiveOptions:
        """How a session is archived by an import, a commit or a batch: the table of 9.4."""
        automatic = self.automatic_options(session)
        override = overwrite in ("delete", "override") or automatic.override
        return ArchiveOptions(
            user=user,
            merge=bool(overwrite) or automatic.merge,
            override=override,
            replace_files=override or replace_files,
            quarantine=quarantine,
            pipelines=pipelines,
        )

    # Parts

    def _write_document(self, session: StagedSession) -> None:
        previous = self.built(session)
        directory = self._prearchive.directory(session)
        built = replace(
            build(directory, previous.scans if previous else ()),
            label=session.name,
            project=session.project,
            subject=session.subject,
        )
        document = self._prearchive.document(session)
        draft = document.with_name(document.name + ".part")
        draft.write_bytes(built.to_xml())
        draft.replace(document)

    def _incoming(self, session: StagedSession) -> Incoming:
        built = self.built(session)
        if built is None:
            raise ArchiveFailed(f"Unable to find session XML for {session.folder}")
        return Incoming(
            built,
            self._prearchive.directory(session),
            session.project,
            session.subject,
            session.name,
        )

    def _archive(self, session: StagedSession, options: ArchiveOptions) -> str:
        incoming = self._incoming(session)
        obstacles = self.archiver.notices(incoming, options)
        if not obstacles:
            checksum = bool(self._store.preferences.get("checksums"))
            incoming = incoming.with_files(checksum=checksum)
        with self._store.database.transaction():
            experiment = self.archiver.archive(incoming, options)
            self._forget(session)
        return self.archiver.uri(experiment)

    def _check_fault(self, session: StagedSession) -> None:
        fault = self._store.settings.archive_fault
        if fault and (trouble := fault(session.name)):
            raise ArchiveFailed(trouble, conflict=True)

    def _anonymize(self, session: StagedSession) -> None:
        anonymize = self._store.settings.anonymize_project
        if anonymize is None or session.prevent_anon:
            return
        for path in sorted(self._prearchive.directory(session).glob("SCANS/*/DICOM/*")):
            if not path.name.endswith("_catalog.xml") and not anonymize(session.project, path):
                path.unlink()
        try:
            self._write_document(session)
        except Empty as error:
            raise ArchiveFailed("All scans were rejected by anonymization.") from error

    def _forget(self, session: StagedSession) -> None:
        directory, document = (
            self._prearchive.directory(session),
            self._prearchive.document(session),
        )
        with self._store.database.transaction():
            self._prearchive.delete(session)
            self._store.disk.remove_tree(directory)
            self._store.database.after_commit(lambda: document.unlink(missing_ok=True))
            self._store.database.after_commit(lambda: _remove_if_empty(directory.parent))

    def _is_taken(self, session: StagedSession, project: str) -> bool:
        if self._prearchive.find(project, session.timestamp, session.folder):
            return True
        return any(
            (other.project, other.tag, other.name) == (project, session.tag, session.name)
            for other in self._prearchive.all()
        )

    def _present(self, session: StagedSession) -> StagedSession:
        found = self._prearchive.get(session.number)
        if found is None:
            raise LookupError(f"{session.url} is gone")
        return found

    def _wait(self, work: Future[Answer]) -> Answer:
        try:
            return work.result(self._store.settings.archive_timeout)
        except TooSlow as error:
            raise Timeout from error


def _logged(work: Callable[[], object]) -> None:
    try:
        work()
    except Exception:
        log.exception("queued work failed")


def _remove_if_empty(directory: Path) -> None:
    with contextlib.suppress(OSError):
        directory.rmdir()
