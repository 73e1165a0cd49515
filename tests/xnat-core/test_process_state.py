"""Whoever imports the library keeps a process as it was."""

from __future__ import annotations

import threading
import time
import warnings

import pytest
from werkzeug.wrappers import Request, Response

from support.ports import free_port
from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.errors import ServerUnreachableError
from xnat_core.services.scans import ScanService


def test_unverified_connections_leave_the_filters_of_warnings_alone() -> None:
    before = list(warnings.filters)
    with (
        XNATClient(f"https://127.0.0.1:{free_port()}", verify_ssl=False, max_retries=0) as client,
        pytest.raises(ServerUnreachableError),
    ):
        client.get("/data/projects")
    assert warnings.filters == before


def test_what_a_callback_ends_does_not_go_on_while_its_traceback_is_kept(xnat: XNAT) -> None:
    # A notebook keeps the last one, and with it the frames.
    xnat.has_session("P1", "S1", "E1", {str(n): {"a.dcm": b"a"} for n in range(12)})
    released = threading.Event()
    deletes: list[str] = []

    def hold(request: Request) -> Response | None:
        if request.method == "DELETE" and "/scans/" in request.path:
            deletes.append(request.path)
            if len(deletes) > 1:
                released.wait(10)
        return None

    xnat.before(hold)

    def stop(done: int, total: int) -> None:
        raise RuntimeError("enough")

    with XNATClient(xnat.url, *xnat.admin) as client:
        with pytest.raises(RuntimeError) as kept:
            ScanService(client).delete_multiple("E1", "*", "P1", workers=2, progress_callback=stop)
        released.set()
        end = time.monotonic() + 1
        while len(deletes) < 4 and time.monotonic() < end:
            time.sleep(0.01)
    assert kept.value.args == ("enough",)
    # Two were on their way, and one may have been begun while the callback was called.
    assert len(deletes) <= 3
