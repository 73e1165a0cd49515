"""Resources and their files."""

from xnat_core.services.resources import ResourceService

__all__ = ["ResourceService"]
