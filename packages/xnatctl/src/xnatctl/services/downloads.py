"""Downloads."""

from xnatctl.needs import needs

with needs("xnat-download"):
    from xnat_download.service import DownloadService

__all__ = ["DownloadService"]
