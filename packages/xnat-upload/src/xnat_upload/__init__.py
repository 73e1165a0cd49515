"""Upload DICOM sessions, exam folders and resources to XNAT."""

__version__ = "0.1.0"
