"""An embedded XNAT-compatible server for demos, tutorials and tests."""

__version__ = "0.1.0"
