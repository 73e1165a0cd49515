"""Transfer projects from one XNAT to another, in one stream, repeatable until it is the same."""

__version__ = "0.1.0"
