"""Files that the server lists at other addresses than XNAT does."""

from __future__ import annotations

import pytest
from werkzeug.wrappers import Request, Response

from support.downloads import Downloader


@pytest.mark.parametrize("before", ["/data/projects/P1", "/REST/archive/projects/P1"])
def test_files_below_a_project_are_found_by_their_session(
    download: Downloader, before: str
) -> None:
    """Below `/projects/P1/experiments/E1` no server has scans: it answers with the session."""

    def lists(request: Request, response: Response) -> None:
        if request.path.endswith("/files") and "format=json" in request.full_path:
            listed = response.get_data()
            response.data = listed.replace(b'"/data/exp', b'"' + before.encode() + b"/exp")

    download.xnat.has_session("P1", "S1", "MR1", {"1": {"1.dcm": b"abc", "2.dcm": b"abcd"}})
    download.xnat.app.after(lists)
    ran = download.session("MR1")
    assert (ran.status, list(download.files().values())) == (0, [b"abc", b"abcd"]), ran.err
    assert len(download.fetched()) == 1
