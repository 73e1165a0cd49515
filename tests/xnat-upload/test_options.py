"""The command line of xnat-upload dicom: old spellings, defaults of the profile, wrong use."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from support.uploads import Uploader
from xnat_core.user_paths import config_file

HERE = ("-P", "P1", "-S", "S1", "-E", "E1")


def profile(upload: Uploader, settings: str) -> None:
    """The settings of a profile for the server; the login stays that of the environment."""
    path = config_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"default_profile: default\nprofiles:\n  default:\n    url: {upload.xnat.url}\n"
        + textwrap.indent(textwrap.dedent(settings), "    ")
    )
    path.chmod(0o600)


def plan(upload: Uploader, *words: object) -> dict[str, object]:
    ran = upload(upload.folder, "-P", "P1", "-S", "S1", *words, "--dry-run")
    assert ran.status == 0, ran.err
    return ran.record


@pytest.mark.parametrize(
    ("old", "key", "value"),
    [
        (("--session", "E7"), "session", "E7"),
        (("--gradual",), "mode", "gradual"),
        (("--archive-format", "zip"), "mode", "zip"),
        (("--no-parallel",), "workers", 1),
        (("--parallel",), "workers", 4),
        (("--wait-timeout", "5"), "session", "SUB001_MR1"),
        (("--wait-for-archive",), "session", "SUB001_MR1"),
        (("--no-wait-for-archive",), "session", "SUB001_MR1"),
    ],
)
def test_old_spellings_work_and_earn_one_warning(
    upload: Uploader, old: tuple[str, ...], key: str, value: object
) -> None:
    upload.series()
    ran = upload(upload.folder, "-P", "P1", *old, "--dry-run")
    assert ran.record[key] == value
    assert ran.err.count(old[0]) == 1


def test_the_profile_has_the_defaults(upload: Uploader) -> None:
    upload.series()
    profile(
        upload,
        """
        default_project: P1
        workers: 7
        overwrite: append
        direct_archive: false
        archive_mode: zip
        """,
    )
    ran = upload(upload.folder, "--dry-run")
    found = {key: ran.record[key] for key in ("project", "workers", "overwrite", "mode")}
    assert found == {"project": "P1", "workers": 7, "overwrite": "append", "mode": "zip"}
    assert ran.record["direct_archive"] is False


def test_the_command_line_is_above_the_profile(upload: Uploader) -> None:
    upload.series()
    profile(
        upload,
        """
        workers: 7
        overwrite: append
        direct_archive: false
        archive_mode: zip
        """,
    )
    words = ("--workers", 2, "--overwrite", "none", "--direct-archive", "--mode", "tar")
    record = plan(upload, *words)
    assert (record["workers"], record["overwrite"], record["mode"]) == (2, "none", "tar")
    assert record["direct_archive"] is True


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--mode", "rar"), "--mode rar: must be one of tar, zip, gradual"),
        (("--overwrite", "yes"), "--overwrite yes: must be one of none, append, delete"),
        (("--workers", "0"), "workers must be at least 1"),
        (("--wait", "soon"), "--wait soon: not a number"),
        (("--direct-archive", "--prearchive"), "exclude each other"),
        (("--transport", "cstore"), "use 'xnat-cstore send'"),
        (("--transport", "ftp"), "must be one of rest, cstore"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(
    upload: Uploader, words: tuple[str, ...], text: str
) -> None:
    upload.series()
    ran = upload(upload.folder, *HERE, *words)
    assert (ran.status, upload.imports()) == (2, [])
    assert text in ran.err
    assert ran.err.count("\n") == 1


def test_rest_is_a_transport(upload: Uploader) -> None:
    upload.series()
    assert upload(upload.folder, *HERE, "--transport", "rest").status == 0


def test_without_a_project_both_remedies_are_named(upload: Uploader) -> None:
    upload.series()
    ran = upload(upload.folder)
    assert ran.status == 2
    assert "-P PROJECT" in ran.err and "default_project" in ran.err


def test_a_path_that_does_not_exist_is_an_error_naming_it(upload: Uploader, tmp_path: Path) -> None:
    ran = upload(tmp_path / "nowhere", *HERE)
    assert ran.status == 1
    assert ran.err.splitlines() == [
        f"xnat-upload: upload: {tmp_path}/nowhere: No such file or directory"
    ]


def test_quiet_prints_the_accession_id(upload: Uploader, capfd: pytest.CaptureFixture[str]) -> None:
    from xnat_upload.cli import main

    upload.series()
    assert main(["dicom", str(upload.folder), *HERE, "--quiet"]) == 0
    session = upload.xnat.store.items.experiment_in("P1", "E1")
    assert session is not None
    assert capfd.readouterr().out == f"{session.id}\n"
