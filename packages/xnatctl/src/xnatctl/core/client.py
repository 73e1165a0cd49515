"""The client."""

from xnat_core.client import XNATClient

__all__ = ["XNATClient"]
