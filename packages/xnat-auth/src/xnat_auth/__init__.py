"""Log in to XNAT and out, see who you are, keep profiles."""

__version__ = "0.1.0"
