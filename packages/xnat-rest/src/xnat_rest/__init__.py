"""Send one raw REST request to XNAT."""

__version__ = "0.1.0"
