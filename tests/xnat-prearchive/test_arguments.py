"""What a program passes by mistake is told before anything is done."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.errors import XNATCtlError
from xnat_prearchive.service import PrearchiveService

AT = "20240102_030405"
WRONG: dict[str, Callable[[PrearchiveService], object]] = {
    "a number for a project": lambda pre: pre.list(1),  # type: ignore[arg-type]
    "a number for a time": lambda pre: pre.get("P1", 20240102, "E1"),  # type: ignore[arg-type]
    "a list for a folder": lambda pre: pre.delete("P1", AT, ["E1"]),  # type: ignore[arg-type]
    "nothing for a folder": lambda pre: pre.delete("P1", AT),
    "a word for False": lambda pre: pre.archive("P1", AT, "E1", overwrite="none"),  # type: ignore[arg-type]
    "no target": lambda pre: pre.move("P1", AT, "E1", None),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("ask", WRONG.values(), ids=WRONG)
def test_what_cannot_be_meant_is_not_done(
    xnat: XNAT, ask: Callable[[PrearchiveService], object]
) -> None:
    xnat.has_project("P1")
    with XNATClient(xnat.url, *xnat.admin) as client, pytest.raises(XNATCtlError):
        ask(PrearchiveService(client))
    assert not [r for r in xnat.requests() if r.method != "GET" and "JSESSION" not in r.path]
