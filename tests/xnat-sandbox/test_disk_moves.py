"""Sessions that are archived at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from support.imports import members, post, send_zip, uris
from support.sandbox import XNAT
from xnat_sandbox.samples import write_series


def test_many_archivings_at_once_do_not_take_each_others_files(xnat: XNAT, tmp_path: Path) -> None:
    xnat.has_project("P1")

    def stage(number: int) -> str:
        files = members(write_series(tmp_path / str(number), study_uid=f"1.2.{number}"))
        parameters = {"subject": f"S{number}", "session": f"E{number}"}
        return uris(
            send_zip(xnat, files, project="P1", dest="/prearchive/projects/P1", **parameters)  # type: ignore[arg-type]
        )[0]

    staged = [stage(number) for number in range(12)]
    with ThreadPoolExecutor(12) as pool:
        answers = list(
            pool.map(
                lambda uri: post(
                    xnat, "/data/services/archive", data={"src": uri.removeprefix("/data")}
                ),
                staged,
            )
        )
    assert [answer.status_code for answer in answers] == [200] * 12
