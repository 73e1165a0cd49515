"""The one request that puts files into a resource, and what its answer says."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from xnat_core.bodies import Body
from xnat_core.services.homes import Home
from xnat_core.urls import path

if TYPE_CHECKING:
    from requests import Response

    from xnat_core.client import XNATClient


def put(
    client: XNATClient,
    home: Home,
    label: str,
    name: str,
    body: Body,
    *,
    extract: bool,
    overwrite: bool,
    fields: Mapping[str, str | None] | None,
    accept: Collection[int] = (),
) -> Response:
    """Send a file, or with `extract` an archive of files, that is to be called `name`."""
    params = {
        "inbody": "true",
        "extract": "true" if extract else None,
        "overwrite": "true" if overwrite else None,
        **(fields or {}),
    }
    where = home.path + path("resources", label, "files", *name.split("/"))
    # May be repeated: where the first attempt stored the file, the second one changes nothing.
    return client.put(
        where, params=params, body=body, about=home.about, accept=accept, repeatable=True
    )


def duplicates_in(answer: Response) -> list[str]:
    """The names that an answer says it has not stored, because files of them exist."""
    try:
        found = json.loads(answer.text or "{}")
    except ValueError:
        return []
    return list(found.get("duplicates") or []) if isinstance(found, dict) else []
