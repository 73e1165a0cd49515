"""One command in front of the xnat-* tools."""

__version__ = "0.1.0"
