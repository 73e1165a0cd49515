"""Transfer projects from one XNAT to another."""

__version__ = "0.1.0"
