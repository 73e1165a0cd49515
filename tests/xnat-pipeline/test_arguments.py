"""What a program passes by mistake is told before anything is done."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.errors import XNATCtlError
from xnat_pipeline.service import PipelineService

WRONG: dict[str, Callable[[PipelineService], object]] = {
    "nothing": lambda pipelines: pipelines.run(),
    "texts for parameters": lambda pipelines: pipelines.run(
        "demo-session",
        "E1",
        "P1",
        params=["a=b"],  # type: ignore[arg-type]
    ),
    "a mapping that is no job": lambda pipelines: pipelines.status({}),
    "a time as text": lambda pipelines: pipelines.wait("1", timeout="3"),  # type: ignore[arg-type]
    "a pause below nothing": lambda pipelines: pipelines.wait("1", poll_interval=-1),
    "no callback": lambda pipelines: pipelines.wait("1", progress_callback=True),  # type: ignore[arg-type]
    "a number for a state": lambda pipelines: pipelines.list_jobs(project="P1", status=3),  # type: ignore[arg-type]
    "a text for a limit": lambda pipelines: pipelines.list_jobs(project="P1", limit="x"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("ask", WRONG.values(), ids=WRONG)
def test_what_cannot_be_meant_is_not_done(
    xnat: XNAT, ask: Callable[[PipelineService], object]
) -> None:
    xnat.has_session("P1", "S1", "E1")
    with XNATClient(xnat.url, *xnat.admin) as client, pytest.raises(XNATCtlError):
        ask(PipelineService(client))
    reading = ("/data/JSESSION", "/data/search")
    changes = [r for r in xnat.requests() if r.method != "GET" and not r.path.startswith(reading)]
    assert not changes
