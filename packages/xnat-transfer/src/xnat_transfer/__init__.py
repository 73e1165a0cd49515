"""Work on the staging area of XNAT: list, archive, move, delete, wait."""

__version__ = "0.1.0"
