"""Projects."""

from xnat_core.services.projects import ProjectService

__all__ = ["ProjectService"]
