"""What is installed is listed, whatever state it is in."""

from __future__ import annotations

from pathlib import Path

from xnatctl.inventory import inventory


def test_a_tool_whose_python_is_gone_does_not_hide_the_others(toolbox: Path) -> None:
    (toolbox / "xnat-ls").write_text("#!/nowhere/python\n")
    (toolbox / "xnat-rest").write_text("#!/bin/sh\necho xnat-rest 1.2.3\n")
    versions = {line.split()[0]: line.split()[1] for line in inventory().splitlines()}
    assert (versions["xnat-ls"], versions["xnat-rest"]) == ("?", "1.2.3")
