"""Send DICOM files to a receiver by C-STORE, at the speed of the wire."""

__version__ = "0.1.0"
