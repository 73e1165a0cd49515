"""Every recipe does what it says, word for word."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from docs.conftest import DOCS
from support.documents import Shell, follow
from support.sandbox import XNAT
from xnat_sandbox.samples import instance_of, write_series

RECIPES = (
    "audit-project",
    "catalogs",
    "export-subject",
    "first-contact",
    "local-dicom",
    "manifest",
    "migrate-by-hand",
    "nifti",
    "nightly-export",
    "parallel",
    "pipelines",
    "prearchive",
    "slurm",
    "snakemake-nextflow",
)


@pytest.fixture
def neuro(xnat: XNAT, make_xnat: Callable[[], XNAT], tmp_path: Path) -> Shell:
    """A project with sessions, folders of DICOM to send, and a second server."""
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    for number, (subject, label, scans) in enumerate(
        [("SUB01", "SUB01_MR1", 2), ("SUB01", "SUB01_MR2", 1), ("SUB02", "SUB02_MR1", 1)]
    ):
        images = {
            str(series): {f"{series}.dcm": dicom(f"1.2.840.{number}", series)}
            for series in range(1, scans + 1)
        }
        session = xnat.has_session("NEURO", subject, label, scans=images, date="2024-04-30")
        if label == "SUB01_MR1":
            (first, *_) = xnat.store.items.scans(session.id)
            xnat.has_resource(first, "NIFTI", {"t1.nii.gz": b"nifti"})
    other = make_xnat()
    for project in ("COPY", "COPYJQ"):
        other.has_project(project)
    folder = tmp_path / "work"
    for number in (1, 2, 3):
        write_series(folder / "incoming" / f"S{number}", study_uid=f"1.2.{number}", instances=4)
    login = {"XNAT_URL": xnat.url, "XNAT_USER": "admin", "XNAT_PASS": "admin"}
    return Shell(folder, {**login, "OTHER_URL": other.url})


def dicom(study: str, series: int) -> bytes:
    buffer = BytesIO()
    instance_of(study_uid=study, series=series).save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("recipe", RECIPES)
def test_the_recipe_can_be_followed(recipe: str, neuro: Shell) -> None:
    assert follow(DOCS / "recipes" / f"{recipe}.md", neuro) > 0


def test_every_recipe_is_followed_by_some_test() -> None:
    tests = "".join(path.read_text() for path in Path(__file__).parents[1].rglob("test_*.py"))
    forgotten = [path.stem for path in (DOCS / "recipes").glob("*.md") if path.stem not in tests]
    assert forgotten == []
