"""Sessions and credentials."""

from xnat_core.auth import AuthManager
from xnat_core.cached_session import CachedSession

__all__ = ["AuthManager", "CachedSession"]
