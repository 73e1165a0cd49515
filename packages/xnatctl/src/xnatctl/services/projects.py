"""Projects."""

from xnat_core.services.projects import (
    ProjectService as ProjectService,
)
