"""Sessions and credentials."""

from xnat_core.auth import (
    AuthManager as AuthManager,
    CachedSession as CachedSession,
)
