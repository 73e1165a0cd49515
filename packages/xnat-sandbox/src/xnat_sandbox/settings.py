"""What may be set about a sandbox, and the site preferences that follow from it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class Settings:
    """How the server behaves. Times are seconds; tests want them short, demos as XNAT has them."""

    site_id: str = "XNAT"
    version: str = "1.8.10"
    require_login: bool = True
    session_timeout: float = 900
    concurrent_sessions: int = 1000
    checksums: bool = True
    zip_compression: int = 0
    """0 stores, 8 deflates: a zip method, not a level."""
    prearchive_code: int = 4
    """What new projects do with received sessions: 0 keep, 4 archive, 5 archive and overwrite."""
    received_file_user: str = "admin"
    rebuild_idle: float = 300
    """How long a receiving session must rest before it is built."""
    rebuild_repeat: float = 60
    """How often the server looks for such sessions."""
    archive_timeout: float = 600
    direct_archive: bool = True
    """Honour `Direct-Archive=true`; otherwise such data are staged."""
    anonymize: Callable[[Path], bool] | None = None
    """Called with every received DICOM file, which it may rewrite; False rejects the object."""
    anonymize_project: Callable[[str, Path], bool] | None = None
    """The same with the project, for every DICOM file of a session that is archived."""
    import_fault: Callable[[str], str | None] | None = None
    """Called with the SOP Instance UID of every received object; a text refuses it with 400."""
    archive_fault: Callable[[str], str | None] | None = None
    """Called with the label of a session before it is archived; a text is a conflict."""
    build_delay: float = 0
    """How much longer building a session takes."""
    archive_delay: float = 0
    """How much longer archiving a session takes."""
    queue_delay: float = 0
    """How long queued operations on prearchive sessions wait for their turn."""
    scp_port: int | None = None
    """Where the DICOM receiver listens: 0 is any free port, None is nowhere."""
    scp_host: str = "127.0.0.1"
    pipelines: bool = False
    """Offer demonstration pipelines of the classic engine."""
    containers: bool = True
    """Pretend that the Container Service plugin is installed."""
    container_seconds: float = 0.2
    """How long a launched container takes to finish."""

    @property
    def release(self) -> tuple[int, ...]:
        """The version as numbers."""
        found = re.match(r"\d+(\.\d+)*", self.version)
        return tuple(int(part) for part in found[0].split(".")) if found else ()

    @property
    def paging(self) -> bool:
        """Whether subjects and experiments obey `limit` and `offset`."""
        return self.release >= (1, 8, 9)


def default_preferences(settings: Settings) -> dict[str, Any]:
    """The site configuration of a fresh server."""
    minutes = max(1, round(settings.session_timeout / 60))
    return {
        "siteId": settings.site_id,
        "siteUrl": "",
        "siteHome": "/app/template/Index.vm",
        "siteLogoPath": "/images/logo.png",
        "siteDescriptionType": "Text",
        "siteDescriptionText": "A sandbox.",
        "adminEmail": "admin@example.org",
        "initialized": True,
        "archivePath": "/data/xnat/archive",
        "prearchivePath": "/data/xnat/prearchive",
        "cachePath": "/data/xnat/cache",
        "requireLogin": settings.require_login,
        "sessionTimeout": f"{minutes} minutes",
        "concurrentMaxSessions": settings.concurrent_sessions,
        "maxFailedLogins": 20,
        "aliasTokenTimeout": "2 days",
        "enableCsrfToken": True,
        "sessionXmlRebuilderInterval": max(1, round(settings.rebuild_idle / 60)),
        "sessionXmlRebuilderRepeat": round(settings.rebuild_repeat * 1000),
        "sessionArchiveTimeoutInterval": round(settings.archive_timeout),
        "defaultProjectAutoArchiveSetting": settings.prearchive_code,
        "projectAllowAutoArchive": True,
        "preventCrossModalityMerge": True,
        "checksums": settings.checksums,
        "zipCompressionMethod": settings.zip_compression,
        "dicomFileNameTemplate": (
            "${StudyInstanceUID}-${SeriesNumber}-${InstanceNumber}"
            "-${HashSOPClassUIDWithSOPInstanceUID}"
        ),
        "receivedFileUser": settings.received_file_user,
        "enableDicomReceiver": True,
        "uiDefaultCompressedUploaderImporter": "DICOM-zip",
        "uiAllowNonAdminProjectCreation": True,
        "securityAllowNonPrivateProjects": True,
        "restrictUserListAccessToAdmins": False,
        "requireChangeJustification": False,
        "enableSitewideAnonymizationScript": True,
        "rerunProjectAnonOnRename": False,
    }
