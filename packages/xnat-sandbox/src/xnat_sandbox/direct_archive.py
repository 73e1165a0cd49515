"""Building and archiving what was written straight into the archive."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from .archiver import ArchiveFailed, ArchiveOptions, Incoming
from .dicom_session import BuiltSession
from .direct_table import DirectArchive, DirectSession
from .file_locks import FileLocks
from .prearchive_build import Empty, build
from .prearchive_lifecycle import Lifecycle
from .prearchive_table import Prearchive
from .staged_session import Arrival
from .store import Store


class StillReceiving(Exception):
    """Files are arriving at this moment, or the session is past receiving."""


class DirectLifecycle:
    """The operations on rows of the direct archive."""

    def __init__(
        self,
        store: Store,
        direct: DirectArchive,
        prearchive: Prearchive,
        lifecycle: Lifecycle,
        locks: FileLocks,
    ) -> None:
        self._store = store
        self._direct = direct
        self._prearchive = prearchive
        self._lifecycle = lifecycle
        self._locks = locks

    def trigger(self, session: DirectSession) -> None:
        """Queue a session for building and archiving."""
        if self._locks.any_below(self._direct.directory(session)):
            raise StillReceiving(session.uri)
        if not self._direct.claim(session, "QUEUED_BUILDING", given="RECEIVING"):
            raise StillReceiving(session.uri)
        self._lifecycle.submit(lambda: self._run(session))

    def delete(self, session: DirectSession) -> None:
        """Forget a session and remove its files."""
        with self._store.database.transaction():
            self._store.disk.remove_tree(self._direct.directory(session))
            self._direct.delete(session)

    def _run(self, session: DirectSession) -> None:
        self._direct.claim(session, "BUILDING", given="QUEUED_BUILDING")
        built: BuiltSession | None = None
        try:
            time.sleep(self._store.settings.build_delay)
            directory = self._direct.directory(session)
            built = replace(build(directory), label=session.session, project=session.project)
            self._direct.claim(session, "ARCHIVING", given="BUILDING")
            time.sleep(self._store.settings.archive_delay)
            self._archive(session, built, directory)
        except (ArchiveFailed, Empty, OSError) as error:
            self._fall_back(session, built, str(error))

    def _archive(self, session: DirectSession, built: BuiltSession, directory: Path) -> None:
        fault = self._store.settings.archive_fault
        if fault and (trouble := fault(session.session)):
            raise ArchiveFailed(trouble, conflict=True)
        incoming = Incoming(built, directory, session.project, session.subject, session.session)
        incoming = incoming.with_files(checksum=bool(self._store.preferences.get("checksums")))
        user = str(self._store.preferences.get("receivedFileUser"))
        with self._store.database.transaction():
            self._lifecycle.archiver.archive(incoming, ArchiveOptions(user=user, id_first=True))
            self._direct.delete(session)

    def _fall_back(self, session: DirectSession, built: BuiltSession | None, reason: str) -> None:
        """Give the session to the prearchive: ERROR, or to be built again where that failed."""
        with self._store.database.transaction():
            staged = self._prearchive.create(
                Arrival(
                    project=session.project,
                    tag=session.tag,
                    name=session.session,
                    subject=session.subject,
                    scan_date=session.scan_date,
                    scan_time=session.scan_time,
                    auto_archive=self._lifecycle.auto_archive_mode(session.project),
                    source=session.source,
                    visit=session.visit,
                    protocol=session.protocol,
                )
            )
            self._prearchive.log(staged, f"Attempt to direct-archive failed: {reason}")
            directory = self._prearchive.directory(staged)
            self._store.disk.move_directory(self._direct.directory(session), directory)
            self._direct.delete(session)
            if built:
                directory.parent.mkdir(parents=True, exist_ok=True)
                document = replace(built, subject=session.subject).to_xml()
                self._prearchive.document(staged).write_bytes(document)
                self._prearchive.set_status(staged, "ERROR")
