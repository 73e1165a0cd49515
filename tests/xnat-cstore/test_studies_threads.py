"""Studies are summed up while the thread that finds files may still meet another one."""

from __future__ import annotations

import threading
from pathlib import Path

from xnat_core.records import Record
from xnat_cstore.instance import Instance
from xnat_cstore.routing import Route
from xnat_cstore.studies import Studies, Study


def instance(study: str) -> Instance:
    return Instance(Path(f"/in/{study}"), 100, 0, 0, "1.2", f"{study}.1", study, "1.2.840")


class Finding(Studies):
    """A file of another study is found while a record is made."""

    def _record(self, study: Study, route: Route) -> Record:
        finder = threading.Thread(target=self.found, args=[instance(f"{study.uid}.1")])
        finder.start()
        finder.join()
        return super()._record(study, route)


def test_a_run_that_ends_early_tells_of_the_studies_that_were_met() -> None:
    studies = Finding()
    studies.found(instance("1"))
    studies.found(instance("2"))
    records = studies.records(Route())
    assert [(record["uid"], record["outcome"]) for record in records] == [
        ("1", "failed"),
        ("2", "failed"),
    ]
