"""A manifest that cannot be read says nothing of who has a name: no file may be written over."""

from __future__ import annotations

import errno
import json
import os
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


def test_nor_while_the_disk_does_not_tell_whether_its_file_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "S"
    folder.mkdir()
    (folder / "a").write_bytes(b"of E1")
    server, uri = "https://x.example.org", "/data/experiments/{}/resources/R"
    entry = {"server": server, "uri": f"{uri.format('E1')}/files/a", "local_path": "a"}
    entry |= {"resource": "R", "path": "a"}
    (folder / "manifest.ndjson").write_text(json.dumps(entry) + "\n")
    names = Names(Tree(tmp_path))
    another = Group(1, Place("session"), "R", uri.format("E2"), uri.format("E2"), "S")

    def fail(path: object, **more: object) -> os.stat_result:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(path))

    with monkeypatch.context() as failing:
        failing.setattr(os, "lstat", fail)
        with pytest.raises(XNATCtlError, match="tale"):
            names.take("S/a", server, another, "a", "S")
    assert names.take("S/a", server, another, "a", "S") == f"{server}{entry['uri']}"
