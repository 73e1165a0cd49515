"""Changing a label: the one edit that moves files on the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from xnat_core.errors import OperationError, ResourceExistsError
from xnat_core.parallel import rest
from xnat_core.services.base import About, document, fields
from xnat_core.services.once import ask_once

if TYPE_CHECKING:
    from xnat_core.client import XNATClient


def relabel(
    client: XNATClient,
    path: str,
    about: About,
    new_label: str,
    *,
    seen_at: str = "",
    sleep: Callable[[float], None] = rest,
) -> None:
    """Give the item at `path` (which names it by ID) another label, and read it back.

    `seen_at` is where to read it, if not at `path`: a session of a project that does not show its
    subject has no document below the two.
    Raises ResourceExistsError or ClientRequestError when the label is taken, OperationError when it
    did not come to be. That the path leads to no other is for the caller to know (`routes`).
    """
    found: object = None

    def has_it() -> bool:
        nonlocal found
        found = fields(document(client, seen_at or path, about) or {}).get("label")
        return found == new_label

    def ask() -> None:
        try:
            client.put(path, params={"label": new_label}, about=about)
        except ResourceExistsError as error:
            # The error is about the item, but what exists already is another one.
            taken = ResourceExistsError(about[0], new_label)
            taken.details.update(error.details)
            raise taken from None

    done, lost = ask_once(ask, has_it, sleep=sleep)
    if not done:
        reason = f"{about[0]} {about[1]!r} is still labelled {found!r}"
        raise OperationError("rename", f"{reason}: {lost}" if lost else reason)
