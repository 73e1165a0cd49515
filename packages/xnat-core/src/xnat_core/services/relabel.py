"""Changing a label: the one edit that moves files on the server."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from xnat_core.errors import NetworkError, OperationError, ServerError
from xnat_core.services.base import About, document, fields

if TYPE_CHECKING:
    from xnat_core.client import XNATClient

LONGEST_WAIT = 1800
PAUSE = 5


def relabel(
    client: XNATClient,
    path: str,
    about: About,
    new_label: str,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Give the item at `path` (which names it by ID) another label, and read it back.

    Renaming a large item outlives what proxies allow; asking again makes it worse. When the answer
    is lost the item is looked at until it has the label, for up to half an hour.

    Raises ResourceExistsError or ClientRequestError when the label is taken, OperationError when it
    did not come to be.
    """
    lost: Exception | None = None
    try:
        client.put(path, params={"label": new_label}, about=about)
    except (NetworkError, ServerError) as error:
        lost = error
    for _ in range(int(LONGEST_WAIT / PAUSE) if may_go_on(lost) else 1):
        item = document(client, path, about)
        found = fields(item or {}).get("label")
        if found == new_label:
            return
        if not may_go_on(lost):
            break
        sleep(PAUSE)
    reason = f"{about[0]} {about[1]!r} is still labelled {found!r}"
    raise OperationError("rename", f"{reason}: {lost}" if lost else reason)


def may_go_on(lost: Exception | None) -> bool:
    """Whether the server may still be at it: a time-out, a broken connection, a gateway's 502 or
    504. An error of the server itself (500) is an end."""
    if isinstance(lost, ServerError):
        return lost.details.get("status_code") in (502, 504)
    return lost is not None
