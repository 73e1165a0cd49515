"""Rights of which the server could not be asked are not taken for given."""

from __future__ import annotations

import pytest
from werkzeug import Request, Response

from support.uploads import Uploader

HERE = ("-P", "P1", "-S", "S1", "-E", "E1")


def test_nothing_is_sent(upload: Uploader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xnat_core.http.retries.FIRST_PAUSE", 0)
    xnat = upload.xnat
    user, password = xnat.has_user("reader")
    xnat.store.accounts.join("reader", "P1_collaborator")
    monkeypatch.setenv("XNAT_USER", user)
    monkeypatch.setenv("XNAT_PASS", password)
    upload.series(instances=2)
    left = [4]

    def hook(request: Request) -> Response | None:
        if left[0] and request.path == "/data/projects" and "restrict" in request.args:
            left[0] -= 1
            return Response("", 503)
        return None

    xnat.before(hook)
    ran = upload(upload.folder, *HERE)

    assert (ran.status, upload.imports()) == (4, [])
    assert upload(upload.folder, *HERE).status == 6
