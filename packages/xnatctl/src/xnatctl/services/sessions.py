"""Sessions."""

from xnat_core.services.sessions import SessionService

__all__ = ["SessionService"]
