"""Downloads for programs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from xnat_core import arguments
from xnat_core.arguments import named, several, switch
from xnat_core.callbacks import Callback, handed_back
from xnat_core.errors import InvalidIdentifierError
from xnat_core.models import DownloadProgress, DownloadSummary, OperationPhase
from xnat_core.progress import Progress
from xnat_core.records import Record
from xnat_core.services.base import BaseService
from xnat_core.services.homes import Home
from xnat_core.services.lookup import find_session
from xnat_core.services.resources import find_resource
from xnat_core.services.scans import find_scan
from xnat_core.user_paths import expanded
from xnat_core.validation import validate_lookup, validate_workers
from xnat_core.wording import counted
from xnat_download.engine import Engine, Options
from xnat_download.selection import Selection

if TYPE_CHECKING:
    from xnat_core.client import XNATClient
    from xnat_core.models import Session

OnProgress = Callable[[DownloadProgress], object]

_ALL = ("ALL", "*")


class DownloadService(BaseService):
    """Downloads sessions, scans and resources below a folder; see `docs/reference/xnat-download`.

    What is there already is not fetched again, so that repeating a call is resuming it; `resume`
    changes nothing and is accepted. Nothing is raised for single files: the summary has `errors`.
    """

    def download_session(
        self,
        session_id: str | None = None,
        output_dir: str | Path | None = None,
        project: str | None = None,
        include_resources: bool = True,
        include_assessors: bool = False,
        pattern: str | None = None,
        resume: bool = False,
        verify: bool = False,
        parallel: bool = True,
        workers: int = 4,
        progress_callback: OnProgress | None = None,
        *,
        session: str | None = None,
        dest: str | Path | None = None,
        show_progress: bool = False,
    ) -> DownloadSummary:
        """Fetch a session to `output_dir/SESSION`; `session` and `dest` are other names.

        `verify` compares files that are there already with the server's digests, and fails when
        there are none. Raises ResourceNotFoundError.
        """
        selection = Selection(
            session_resources=switch(include_resources, "include_resources"),
            assessors=switch(include_assessors, "include_assessors"),
            pattern=None if pattern is None else arguments.text(pattern, "pattern"),
        )
        options = Options(
            _folder(output_dir, dest),
            selection,
            validate_workers(workers) if parallel else 1,
            verify=switch(verify, "verify"),
        )
        arguments.callback(progress_callback)
        found = find_session(
            self.client, named(session_id, session, "session_id", "session"), project
        )
        return _run(
            self.client,
            options,
            found,
            found.to_record(self.client.base_url),
            progress_callback,
            show_progress,
        )

    def download_resource(
        self,
        session_id: str | None = None,
        resource_label: str | None = None,
        output_dir: str | Path | None = None,
        scan_id: str | None = None,
        project: str | None = None,
        extract: bool = False,
        zip_filename: str | Path | None = None,
        progress_callback: OnProgress | None = None,
        *,
        session: str | None = None,
        resource: str | None = None,
        dest: str | Path | None = None,
    ) -> DownloadSummary:
        """Fetch a resource as the zip `output_dir/{label}.zip`, or with `extract` its files.

        Raises ResourceNotFoundError.
        """
        out = _folder(output_dir, dest)
        extract = switch(extract, "extract")
        arguments.callback(progress_callback)
        found = find_session(
            self.client, named(session_id, session, "session_id", "session"), project
        )
        label = named(resource_label, resource, "resource_label", "resource")
        home = Home.of_session(found)
        if scan_id is not None:
            home = Home.of_scan(find_scan(self.client, found, scan_id))
        record = find_resource(self.client, home, label).to_record(self.client.base_url)
        options = Options(out)
        if not extract:
            where = out / expanded(zip_filename or f"{label}.zip")
            options = replace(
                options, archives=True, archive_path=where, archive_is_named=bool(zip_filename)
            )
        return _run(self.client, options, found, record, progress_callback)

    def download_scan(
        self,
        session_id: str,
        scan_id: str,
        output_dir: str | Path,
        project: str | None = None,
        resource: str | None = None,
        progress_callback: OnProgress | None = None,
    ) -> DownloadSummary:
        """Fetch the files of one scan, or of one resource of it. Raises ResourceNotFoundError."""
        options = Options(_folder(output_dir, None), Selection(resources=_labels(resource)))
        arguments.callback(progress_callback)
        found = find_session(self.client, session_id, project)
        scan = find_scan(self.client, found, scan_id)
        record = scan.to_record(self.client.base_url)
        return _run(self.client, options, found, record, progress_callback)

    def download_scans(
        self,
        session_id: str,
        scan_ids: Iterable[str],
        output_dir: str | Path,
        project: str | None = None,
        subject: str | None = None,
        resource: str | None = None,
        zip_filename: str | Path | None = None,
        extract: bool = False,
        cleanup: bool = True,
        progress_callback: OnProgress | None = None,
    ) -> DownloadSummary:
        """Fetch several scans (`["ALL"]`) as the zip `output_dir/scans.zip`.

        With `extract` their files, and with `cleanup=False` both. Raises InvalidIdentifierError
        when no scan is named.
        """
        wanted = [validate_lookup(scan, "scan") for scan in several(scan_ids, "scan_ids")]
        if not wanted:
            raise InvalidIdentifierError("scan IDs", scan_ids, "no valid scan IDs")
        every = any(scan.strip() in _ALL for scan in wanted)
        out = _folder(output_dir, None)
        extract, cleanup = switch(extract, "extract"), switch(cleanup, "cleanup")
        arguments.callback(progress_callback)
        options = Options(
            out,
            Selection(scans=None if every else frozenset(wanted), resources=_labels(resource)),
            archives=not (extract and cleanup),
            unpack=extract,
        )
        if options.archives:
            where = out / expanded(zip_filename or "scans.zip")
            options = replace(options, archive_path=where, archive_is_named=bool(zip_filename))
        found = find_session(self.client, session_id, project, subject)
        record = found.to_record(self.client.base_url)
        return _run(self.client, options, found, record, progress_callback)


def _run(
    client: XNATClient,
    options: Options,
    session: Session,
    record: Record,
    callback: OnProgress | None,
    show_progress: bool = False,
) -> DownloadSummary:
    begun = time.monotonic()
    reported: list[Record] = []
    progress = _progress(callback, show_progress)
    try:
        with handed_back():
            engine = Engine(options, lambda _: client, reported.append, lambda _: None, progress)
            engine.run([record])
    finally:
        progress.close()
    errors = [str(one["error"]["message"]) for one in reported if one["outcome"] == "failed"]
    last = reported[-1]
    files = last["files"] + last["skipped"]
    lost = sum(one["outcome"] == "failed" for one in reported[:-1])
    summary = DownloadSummary(
        success=not errors,
        total=files + lost,
        succeeded=files,
        failed=max(lost, 1) if errors else 0,
        duration=time.monotonic() - begun,
        errors=errors,
        total_files=files,
        total_size_mb=last["bytes"] / (1 << 20),
        session_id=session.id,
        output_path=Path(last["path"]) if last.get("path") else options.out,
        verified=not errors and files > 0 and last["verified"] == files,
    )
    if callback is not None:
        phase = OperationPhase.ERROR if errors else OperationPhase.COMPLETE
        callback(
            DownloadProgress(
                phase,
                summary.succeeded,
                summary.total,
                errors[0] if errors else counted(files, "file"),
                not errors,
                tuple(errors),
                bytes_received=last["bytes"],
                total_bytes=last["bytes"],
            )
        )
    return summary


def _progress(callback: OnProgress | None, show: bool) -> Progress:
    if callback is not None:
        return _Calling(callback)
    if show:
        from xnat_core.progress import reporter

        return reporter(False)
    return Progress(None)


class _Calling(Progress):
    """Tells a function of the bytes, one call at a time."""

    def __init__(self, callback: OnProgress) -> None:
        super().__init__(None)
        self._callback = Callback(callback)
        self._lock = threading.Lock()
        self._received = self._total = 0

    def expect(self, bytes: int = 0, items: int = 0) -> None:
        with self._lock:
            self._total += bytes

    def advance(self, bytes: int = 0, items: int = 0) -> None:
        with self._lock:
            self._received += bytes
            self._callback(
                DownloadProgress(
                    OperationPhase.DOWNLOADING,
                    self._received,
                    self._total,
                    bytes_received=self._received,
                    total_bytes=self._total,
                )
            )


def _folder(output_dir: str | Path | None, dest: str | Path | None) -> Path:
    folder, other = (None if one is None else expanded(one) for one in (output_dir, dest))
    return named(folder, other, "output_dir", "dest")


def _labels(resource: str | None) -> frozenset[str]:
    if resource is None:
        return frozenset()
    return frozenset({validate_lookup(resource, "resource")})
