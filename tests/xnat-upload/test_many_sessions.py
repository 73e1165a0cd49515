"""Folders of many studies: what one session costs does not grow with the number of the others."""

from __future__ import annotations

import pytest
from werkzeug.wrappers import Request, Response

from support.uploads import Uploader
from xnat_sandbox.intake import intake_of

LISTING = "/data/prearchive/projects/P1"


def studies(upload: Uploader, numbers: range) -> None:
    for number in numbers:
        upload.series(series=number, instances=1, patient=f"S{number}", session=f"E{number}")


def asked(upload: Uploader, since: int) -> tuple[int, int]:
    """How many requests read something since then, and how many of them all rows of a project."""
    paths = [request.path for request in upload.xnat.requests("GET")[since:]]
    return len(paths), paths.count(LISTING)


@pytest.mark.parametrize("where", ["--prearchive", "--direct-archive"])
def test_the_prearchive_is_not_listed_for_every_session(upload: Uploader, where: str) -> None:
    costs = []
    for numbers in (range(1, 3), range(3, 11)):
        studies(upload, numbers)
        for outcome in ("done", "skipped"):
            before = len(upload.xnat.requests("GET"))
            ran = upload(*(upload.folder / f"s{n}" for n in numbers), "-P", "P1", where)
            assert {record["outcome"] for record in ran.records} == {outcome}
            requests, listings = asked(upload, before)
            assert listings == 0
            costs.append(requests / len(numbers))
    # Some are made once for each run.
    assert costs[2] <= costs[0] and costs[3] <= costs[1]


def test_who_may_touch_nothing_looks_for_others_once(upload: Uploader) -> None:
    studies(upload, range(1, 4))
    words = (upload.folder, "-P", "P1", "--prearchive", "--overwrite", "none")
    assert {record["outcome"] for record in upload(*words).records} == {"done"}
    assert asked(upload, 0)[1] == 3
    # Here is one with the label of another: it is seen, and nothing is sent.
    upload.series(series=4, instances=1, patient="S1", session="E1", study_uid="1.2.3")
    ran = upload(upload.folder / "s4", *words[1:])
    assert (ran.record["outcome"], "--overwrite append" in ran.err) == ("failed", True)
    assert len(upload.imports()) == 3


def test_a_row_is_known_by_its_address_where_the_server_has_changed_its_study(
    upload: Uploader,
) -> None:
    upload.series(instances=2)
    prearchive = intake_of(upload.xnat.app).prearchive

    def changes(request: Request, response: Response) -> None:
        if request.method == "POST" and request.path == "/data/services/import":
            for row in prearchive.all():
                prearchive.update(row, tag="9.9")

    upload.xnat.app.after(changes)
    words = ("-P", "P1", "-S", "S1", "-E", "E1", "--prearchive", "--workers", 1)
    ran = upload(upload.folder, *words)
    assert (ran.err, ran.record["outcome"], ran.record["files"]) == ("", "done", 2)
    assert (len(upload.imports()), asked(upload, 0)[1]) == (1, 0)
