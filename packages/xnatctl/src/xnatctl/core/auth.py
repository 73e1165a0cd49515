"""Sessions and credentials."""

from xnat_core.auth import AuthManager, CachedSession

__all__ = ["AuthManager", "CachedSession"]
