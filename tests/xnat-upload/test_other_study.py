"""A second study under the label of a session that is there, as a second visit brings it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from pydicom import dcmread
from werkzeug.wrappers import Request, Response

from support.uploads import Uploader
from xnat_sandbox.samples import write_series

NAMED = ("-P", "P1", "-S", "S1", "-E", "S1_MR1")
FROM_HEADERS = ("-P", "P1")


def first_visit(upload: Uploader) -> None:
    write_series(upload.folder / "a", patient="S1", study_uid="1.2.3")
    assert upload(upload.folder / "a", *FROM_HEADERS).status == 0


def second_visit(upload: Uploader, series: int = 2) -> None:
    write_series(
        upload.folder / "b",
        patient="S1",
        series=series,
        instances=2,
        study_uid="1.2.4",
        series_uid="1.2.4.1",
    )


@pytest.mark.parametrize("mode", ["tar", "gradual"])
@pytest.mark.parametrize("words", [FROM_HEADERS, (*FROM_HEADERS, "--overwrite", "delete")])
def test_it_is_refused_before_anything_is_sent(
    upload: Uploader, words: Sequence[str], mode: str
) -> None:
    first_visit(upload)
    second_visit(upload)
    sent = len(upload.imports())
    ran = upload(upload.folder / "b", *words, "--mode", mode)
    assert (ran.status, upload.count(label="S1_MR1")) == (2, 3)
    assert len(upload.imports()) == sent
    assert "is of another study (1.2.3)" in ran.err
    assert "choose another label (-E); --merge-studies adds" in ran.err


@pytest.mark.parametrize("mode", ["tar", "gradual"])
@pytest.mark.parametrize(
    ("words", "told"), [((*FROM_HEADERS, "--merge-studies"), False), (NAMED, True)]
)
def test_it_is_added_when_asked_to(
    upload: Uploader, words: Sequence[str], told: bool, mode: str
) -> None:
    first_visit(upload)
    second_visit(upload)
    ran = upload(upload.folder / "b", *words, "--mode", mode)
    assert (ran.status, upload.count(label="S1_MR1")) == (0, 5), ran.err
    assert ("S1_MR1 has the UID of another study (1.2.3)" in ran.err) == told


def test_it_is_refused_also_when_the_session_has_come_while_it_was_sent(upload: Uploader) -> None:
    second_visit(upload)

    def first_visit_comes(request: Request) -> Response | None:
        if request.method == "POST" and request.path == "/data/services/import":
            upload.xnat.has_session("P1", "S1", "S1_MR1", {"1": {"a.dcm": b"first"}}, UID="1.2.3")
        return None

    upload.xnat.before(first_visit_comes)
    ran = upload(upload.folder / "b", *NAMED)
    assert (ran.status, upload.count(label="S1_MR1")) == (1, 1)


def test_what_the_server_has_given_another_uid_is_completed(upload: Uploader) -> None:
    files = upload.series()
    named = {f"{dcmread(file).SOPInstanceUID}.dcm": file.read_bytes() for file in files[:2]}
    upload.xnat.has_session("P1", "S1", "S1_MR1", {"1": named}, UID="1.2.999")
    ran = upload(upload.folder, *NAMED)
    assert (ran.status, ran.record["files"], upload.count(label="S1_MR1")) == (0, 1, 3), ran.err


def test_as_many_files_in_scans_of_the_same_numbers_are_not_those_of_the_first(
    upload: Uploader,
) -> None:
    # Where the server tells no series UIDs, numbers are all that there is.
    write_series(upload.folder, patient="S1", instances=1)
    upload.xnat.has_session("P1", "S1", "S1_MR1", {"1": {"a.dcm": b"first"}}, UID="1.2.999")
    for words in (FROM_HEADERS, NAMED):
        refused = upload(upload.folder, *words)
        assert (refused.status, upload.imports()) == (2, [])
        assert "of another study (1.2.999), or the server has changed its UID" in refused.err
    added = upload(upload.folder, *NAMED, "--merge-studies")
    assert (added.status, upload.count(label="S1_MR1")) == (0, 2), added.err
