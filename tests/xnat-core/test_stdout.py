"""Standard output at its end."""

from __future__ import annotations

import errno
import io
import os
from unittest.mock import Mock

import pytest

from support.toy import COMMANDS, main
from xnat_core.run import run


def test_what_a_disk_tells_when_a_file_is_closed_is_a_failure(
    capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As NFS does, for a full quota and for blocks that it has lost."""
    told = Mock(side_effect=OSError(errno.EDQUOT, "Disk quota exceeded"))
    with monkeypatch.context() as context:
        context.setattr(os, "close", told)
        status = main(["say", "a"])
    assert status == 1
    assert capfdbinary.readouterr().err == b"toy: standard output: Disk quota exceeded\n"


def test_help_is_shown_also_where_standard_output_has_few_characters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With LANG=en_US, for one, Python writes Latin-1."""
    shown = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(shown, "latin-1"))
    assert run("toy", "1.2.3", "One\u2026 two.\n", COMMANDS, ["--help"]) == 0
    assert shown.getvalue() == b"One? two.\n"
