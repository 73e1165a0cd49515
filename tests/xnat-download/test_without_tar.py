"""A server without tar is asked for zips, by whoever finds that out."""

from __future__ import annotations

import threading

from werkzeug.wrappers import Request, Response

from support.downloads import Downloader

FILES = {f"{n}.dcm": bytes([n]) * 100 for n in range(10)}


def test_two_who_are_refused_a_tar_at_once_both_take_zips(download: Downloader) -> None:
    download.xnat.has_session("P1", "S1", "MR1", {"1": FILES, "2": FILES})
    both_asked = threading.Barrier(2, timeout=20)

    def refuse(request: Request) -> Response | None:
        if "format=tar" not in request.full_path:
            return None
        both_asked.wait()
        return Response("no", 406)

    download.xnat.before(refuse)
    ran = download.session("MR1", "--workers", "2")
    assert (ran.status, ran.record["files"]) == (0, 20), ran.err
    assert [path for path in download.fetched() if path.endswith(".dcm")] == []
