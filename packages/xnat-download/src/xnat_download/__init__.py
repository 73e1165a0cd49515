"""Download sessions, scans, resources and files from XNAT."""

__version__ = "0.1.0"
