"""In which form a server is asked for an archive of its files."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from xnat_core.errors import ClientRequestError, ServerError, XNATCtlError

T = TypeVar("T")


class NoArchive(XNATCtlError):
    """The server answered something else than an archive."""


class ArchiveForms:
    """The forms of archive of one server, and which of them it has refused. Thread-safe.

    A tar is the quicker one. Where the server does not list the MD5 of each file, only the checksum
    that a zip has of its own proves that the bytes are those that were sent.
    """

    def __init__(self) -> None:
        self._refused: set[str] = set()

    def take(self, ask: Callable[[str], T], *, has_digests: bool) -> T:
        """Call `ask` with the best form, with the other one when the server refuses that.

        A form that was refused is not asked for again, unless there is no other. Raises what `ask`
        raises; the last refusal when no form is left.
        """
        best_first = ["tar", "zip"] if has_digests else ["zip", "tar"]
        forms = [form for form in best_first if form not in self._refused] or best_first[-1:]
        while True:
            form = forms.pop(0)
            try:
                return ask(form)
            except XNATCtlError as error:
                if not _is_refusal(error):
                    raise
                self._refused.add(form)
                if not forms:
                    raise


def _is_refusal(error: XNATCtlError) -> bool:
    if isinstance(error, ServerError):
        return error.details.get("status_code") == 501
    return isinstance(error, NoArchive | ClientRequestError)
