"""Everything XNAT holds, as typed objects."""

from xnat_core.models import (
    DownloadProgress,
    DownloadSummary,
    OperationPhase,
    Project,
    Resource,
    ResourceFile,
    Scan,
    Session,
    Subject,
    UploadProgress,
    UploadSummary,
)

__all__ = [
    "DownloadProgress",
    "DownloadSummary",
    "OperationPhase",
    "Project",
    "Resource",
    "ResourceFile",
    "Scan",
    "Session",
    "Subject",
    "UploadProgress",
    "UploadSummary",
]
