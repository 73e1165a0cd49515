"""What all services share."""

from xnat_core.services.base import BaseService

__all__ = ["BaseService"]
