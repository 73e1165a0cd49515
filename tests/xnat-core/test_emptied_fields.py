"""A field that cannot be read back is not called emptied."""

from __future__ import annotations

import pytest
from werkzeug.wrappers import Request, Response

from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.errors import ResourceNotFoundError
from xnat_core.services.scans import ScanService
from xnat_core.services.sessions import SessionService


def hides_after_a_change(xnat: XNAT) -> None:
    changed: list[Request] = []

    def hook(request: Request) -> Response | None:
        changed.extend([request] if request.method == "PUT" else [])
        return Response("", 404) if changed and request.method == "GET" else None

    xnat.before(hook)


def test_of_a_session(xnat: XNAT, client: XNATClient) -> None:
    xnat.has_session("P1", "S1", "MR1", note="kept")
    hides_after_a_change(xnat)
    with pytest.raises(ResourceNotFoundError):
        SessionService(client).set_field("MR1", "note", "", "P1")


def test_of_a_scan(xnat: XNAT, client: XNATClient) -> None:
    xnat.has_session("P1", "S1", "MR1", scans={"1": {}})
    hides_after_a_change(xnat)
    with pytest.raises(ResourceNotFoundError):
        ScanService(client).set_field("MR1", "1", "note", "", "P1")
