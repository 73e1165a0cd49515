"""Errors that are no answer: a server that was away has not said no."""

from __future__ import annotations

from xnat_core.errors import (
    AuthenticationError,
    NetworkError,
    PermissionDeniedError,
    XNATCtlError,
)
from xnat_core.http.retries import MAYBE_DONE, TURNED_AWAY

_AWAY = TURNED_AWAY | MAYBE_DONE - {500}


def is_no_answer(error: XNATCtlError) -> bool:
    """Whether a question has got no answer, so that nothing may be decided by it: the server or
    its proxy was away, the log-in has ended, or a web page came.

    Statuses that servers answer with where they do not tell (403, 404, 500) are answers.
    """
    if isinstance(error, AuthenticationError):
        return not isinstance(error, PermissionDeniedError)
    return isinstance(error, NetworkError) or error.details.get("status_code") in _AWAY
