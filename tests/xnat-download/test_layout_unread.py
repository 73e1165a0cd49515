"""A manifest that cannot be read says nothing of who has a name: no file may be written over."""

from __future__ import annotations

from pathlib import Path

import pytest

from xnat_core.errors import XNATCtlError
from xnat_download.disk import Tree
from xnat_download.inventory import Group
from xnat_download.names import Names
from xnat_download.places import Place


def test_no_name_is_given_while_the_manifest_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "S" / "manifest.ndjson").mkdir(parents=True)
    names = Names(Tree(tmp_path))
    uri = "/experiments/E1/resources/R"
    group = Group(1, Place("session"), "R", uri, uri, "S")
    for name in ("a", "b"):
        with pytest.raises(XNATCtlError, match="directory"):
            names.take(f"S/{name}", "https://x.example.org", group, name, "S")
