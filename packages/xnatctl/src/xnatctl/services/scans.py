"""Scans."""

from xnat_core.services.scans import ScanService

__all__ = ["ScanService"]
