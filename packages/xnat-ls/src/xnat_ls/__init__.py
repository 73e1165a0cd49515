"""List projects, subjects, sessions, scans, resources and files of XNAT."""

__version__ = "0.1.0"
