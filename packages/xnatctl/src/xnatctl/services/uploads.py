"""Uploads."""

from xnatctl.needs import needs

with needs("xnat-upload"):
    from xnat_upload.service import (
        DICOMStoreSummary,
        UploadService,
        archive_destination_params,
        collect_dicom_files,
        is_retryable_status,
        split_into_batches,
        split_into_n_batches,
        upload_with_retry,
    )

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
