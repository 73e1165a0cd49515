"""Scans."""

from xnat_core.services.scans import (
    ScanService as ScanService,
)
