"""Everything XNAT holds, as typed objects."""

from xnat_core.models import (
    DownloadProgress as DownloadProgress,
    DownloadSummary as DownloadSummary,
    OperationPhase as OperationPhase,
    Project as Project,
    Resource as Resource,
    ResourceFile as ResourceFile,
    Scan as Scan,
    Session as Session,
    Subject as Subject,
    UploadProgress as UploadProgress,
    UploadSummary as UploadSummary,
)
