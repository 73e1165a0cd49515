"""Sessions."""

from xnat_core.services.sessions import (
    SessionService as SessionService,
)
