"""Uploads as a library: what `xnat-upload` does, for programs."""

from __future__ import annotations

import time
from collections.abc import Iterable
from importlib import import_module
from numbers import Integral
from pathlib import Path

from xnat_core import arguments
from xnat_core.arguments import named, several, switch
from xnat_core.config import OVERWRITE
from xnat_core.errors import ArgumentError
from xnat_core.imports import Destination, archive_destination_params
from xnat_core.models import OperationPhase, UploadProgress, UploadSummary
from xnat_core.models.transfer import DICOMStoreSummary
from xnat_core.presence import exists
from xnat_core.services.base import BaseService
from xnat_core.services.resources import ResourceService
from xnat_core.user_paths import expanded
from xnat_core.validation import ARCHIVE_SUFFIXES, validate_workers
from xnat_upload.helpers import (
    collect_dicom_files,
    is_retryable_status,
    split_into_batches,
    split_into_n_batches,
    upload_with_retry,
)
from xnat_upload.library import OnProgress, upload
from xnat_upload.terms import MOST_FILES, Manner

__all__ = [
    "DICOMStoreSummary",
    "UploadService",
    "archive_destination_params",
    "collect_dicom_files",
    "is_retryable_status",
    "split_into_batches",
    "split_into_n_batches",
    "upload_with_retry",
]

_MB = 1 << 20


class UploadService(BaseService):
    """Uploads DICOM and resources.

    A method returns a summary of what was done, failures of single files and of the session in its
    `errors`; it raises when nothing could be tried: no such project, no permission, no server.
    """

    def upload_dicom(
        self,
        project: str,
        subject: str,
        session: str,
        source_path: str | Path | None = None,
        overwrite: bool = False,
        quarantine: bool = False,
        batch_size: int = 500,
        parallel: bool = True,
        workers: int = 4,
        progress_callback: OnProgress | None = None,
        *,
        files: Iterable[str | Path] | None = None,
        show_progress: bool = False,
    ) -> UploadSummary:
        """Upload a folder, an archive or `files` to the archive, at most `batch_size` a request.

        Without `overwrite` a session that exists is not touched. `quarantine` has the session
        locked when it is archived. `show_progress` draws a bar on a terminal.

        Raises FileNotFoundError for a path that does not exist, TypeError for both a `source_path`
        and `files`, and for neither.
        """
        overwrite = switch(overwrite, "overwrite")
        one = None if source_path is None else [source_path]
        paths = _existing(named(one, files, "source_path", "files"))
        if isinstance(batch_size, bool) or not isinstance(batch_size, Integral):
            raise ArgumentError(f"batch_size must be a number, not {batch_size!r}", "batch_size")
        manner = Manner(
            overwrite="delete" if overwrite else "none",
            again=overwrite,
            workers=validate_workers(workers) if parallel else 1,
            quarantine=switch(quarantine, "quarantine"),
            batch=int(batch_size) if batch_size > 0 else MOST_FILES,
        )
        destination = Destination(project, subject, session)
        return upload(
            self.client, destination, paths, manner, progress_callback, draw=show_progress
        )

    def upload_dicom_parallel(
        self,
        source_dir: str | Path,
        project: str,
        subject: str,
        session: str,
        *,
        username: str | None = None,
        password: str | None = None,
        upload_workers: int = 4,
        archive_workers: int = 4,
        archive_format: str = "tar",
        import_handler: str = "DICOM-zip",
        ignore_unparsable: bool = True,
        overwrite: str = "delete",
        direct_archive: bool = True,
        timeout: float | None = 21600,
        progress_callback: OnProgress | None = None,
    ) -> UploadSummary:
        """Upload a folder or an archive in parallel batches.

        `archive_format` is tar or zip. `archive_workers` has no effect: archives are made while
        they are sent. `username` and `password` log in for this upload.

        Raises ValueError for a format, handler or `overwrite` (none, append, delete) that is none
        of these.
        """
        if archive_format not in ("tar", "zip"):
            raise ValueError(f"archive_format must be tar or zip, not {archive_format!r}")
        if import_handler not in ("DICOM-zip", "gradual-DICOM"):
            raise ValueError(f"import_handler {import_handler!r} is not supported")
        if overwrite not in OVERWRITE:
            raise ValueError(f"overwrite must be {', '.join(OVERWRITE)}, not {overwrite!r}")
        if (username is None) != (password is None):
            # The upload would go on as somebody else, or stop at a login that cannot be.
            missing = "username" if username is None else "password"
            raise ArgumentError(f"username and password belong together: no {missing}", missing)
        direct_archive = switch(direct_archive, "direct_archive")
        manner = Manner(
            mode=archive_format if import_handler == "DICOM-zip" else "gradual",
            overwrite=overwrite,
            workers=validate_workers(upload_workers),
            ignore_unparsable=switch(ignore_unparsable, "ignore_unparsable"),
            timeout=None if timeout is None else arguments.seconds(timeout, "timeout"),
        )
        destination = Destination(project, subject, session, archive=direct_archive)
        paths = _existing([source_dir])
        if username is None or password is None:
            return upload(self.client, destination, paths, manner, progress_callback)
        with self.client.as_user(username, password) as client:
            return upload(client, destination, paths, manner, progress_callback)

    def upload_dicom_gradual(
        self,
        source_path: str | Path,
        project: str,
        subject: str,
        session: str,
        *,
        workers: int = 4,
        direct_archive: bool = True,
        progress_callback: OnProgress | None = None,
    ) -> UploadSummary:
        """Upload a folder or an archive file by file.

        Raises FileNotFoundError, and ValueError for what is neither folder nor archive.
        """
        (path,) = _existing([source_path])
        if not path.is_dir() and not path.name.lower().endswith(ARCHIVE_SUFFIXES):
            raise ValueError(f"{path}: neither a folder nor an archive")
        manner = Manner(mode="gradual", workers=validate_workers(workers))
        direct_archive = switch(direct_archive, "direct_archive")
        destination = Destination(project, subject, session, archive=direct_archive)
        return upload(self.client, destination, [path], manner, progress_callback)

    def upload_dicom_gradual_files(
        self,
        *,
        files: Iterable[str | Path],
        project: str,
        subject: str,
        session: str,
        workers: int = 4,
        direct_archive: bool = True,
        progress_callback: OnProgress | None = None,
    ) -> UploadSummary:
        """Upload these files, one request each.

        Raises FileNotFoundError, and ValueError for what is no file or named twice.
        """
        paths = _existing(files)
        for path in paths:
            if not path.is_file():
                raise ValueError(f"{path}: not a file")
        if len({path.resolve() for path in paths}) < len(paths):
            raise ValueError("a file is named twice")
        manner = Manner(mode="gradual", workers=validate_workers(workers))
        direct_archive = switch(direct_archive, "direct_archive")
        destination = Destination(project, subject, session, archive=direct_archive)
        return upload(self.client, destination, paths, manner, progress_callback)

    def upload_dicom_store(
        self,
        dicom_root: str | Path,
        host: str,
        called_aet: str,
        *,
        port: int = 104,
        calling_aet: str = "XNATCTL",
        workers: int = 4,
        cleanup: bool = True,
    ) -> DICOMStoreSummary:
        """Send a folder to a DICOM receiver.

        Raises ImportError naming the distribution when xnat-cstore is not installed, ValueError for
        what is no folder, RuntimeError when the receiver cannot be spoken with.
        """
        try:
            service = import_module("xnat_cstore.service")
        except ModuleNotFoundError as error:
            raise ImportError(
                "xnat-cstore is not installed: pip install xnat-cstore", name=error.name
            ) from error
        summary: DICOMStoreSummary = service.upload_dicom_store(
            dicom_root,
            host,
            called_aet,
            port=port,
            calling_aet=calling_aet,
            workers=workers,
            cleanup=cleanup,
        )
        return summary

    def upload_resource(
        self,
        session_id: str,
        resource_label: str,
        source_path: str | Path,
        scan_id: str | None = None,
        project: str | None = None,
        extract: bool = False,
        overwrite: bool = False,
        progress_callback: OnProgress | None = None,
    ) -> UploadSummary:
        """Upload a file, or a folder as one archive that the server unpacks, into a resource.

        Raises FileNotFoundError.
        """
        arguments.callback(progress_callback)
        begin = time.monotonic()
        (path,) = _existing([source_path])
        resources = ResourceService(self.client)
        where = (session_id, resource_label)
        if path.is_dir():
            sent = resources.upload_directory(*where, path, scan_id, project, overwrite)
        else:
            sent = resources.upload_file(*where, path, scan_id, project, extract, overwrite)
        size, count = int(sent["size"]), int(sent.get("files", 1))
        if progress_callback:
            done = OperationPhase.COMPLETE
            progress_callback(UploadProgress(done, 1, 1, bytes_sent=size, total_bytes=size))
        return UploadSummary(
            success=True,
            total=1,
            succeeded=1,
            duration=time.monotonic() - begin,
            total_files=count,
            total_size_mb=size / _MB,
            session_id=session_id,
        )


def _existing(paths: Iterable[str | Path]) -> list[Path]:
    found = [expanded(path) for path in several(paths, "files")]
    if not found:
        raise ValueError("nothing to upload is named")
    for path in found:
        if not exists(path):
            raise FileNotFoundError(f"{path}: no such file or folder")
    return found
