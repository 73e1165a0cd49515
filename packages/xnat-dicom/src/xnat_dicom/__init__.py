"""Look at, check, anonymize and change local DICOM files."""

__version__ = "0.1.0"
