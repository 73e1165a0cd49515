"""Change what XNAT holds: create, rename, merge, move, share, set, delete."""

__version__ = "0.1.0"
