"""The recipe for C-STORE, against the sandbox's receiver."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from docs.conftest import DOCS
from support.documents import Shell, follow
from support.sandbox import FAST, XNAT
from xnat_sandbox.samples import write_series
from xnat_sandbox.scp_routes import scp_ports


def test_the_recipe_cstore_can_be_followed(make_xnat: Callable[..., XNAT], tmp_path: Path) -> None:
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    xnat = make_xnat(replace(FAST, scp_port=0))
    xnat.has_project("NEURO")
    (port,) = scp_ports(xnat.app)
    folder = tmp_path / "work"
    for number in (1, 2):
        write_series(folder / "incoming" / f"S{number}", study_uid=f"1.2.{number}", instances=4)
    variables = {
        **{"XNAT_URL": xnat.url, "XNAT_USER": "admin", "XNAT_PASS": "admin"},
        **{"XNAT_DICOM_HOST": "127.0.0.1", "XNAT_DICOM_PORT": str(port)},
        "XNAT_DICOM_CALLED_AET": "XNAT",
    }
    assert follow(DOCS / "recipes/cstore.md", Shell(folder, variables)) == 4
    assert xnat.store.items.experiment_in("NEURO", "S1_MR1") is not None
