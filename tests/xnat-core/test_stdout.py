"""Standard output at its end."""

from __future__ import annotations

import errno
import os
from unittest.mock import Mock

import pytest

from support.toy import main


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
