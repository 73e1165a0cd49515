"""What became of each study: the counts behind its record."""

from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from xnat_core.errors import NETWORK, DicomStoreError
from xnat_core.records import Record, done, failed, planned, skipped
from xnat_core.wording import counted
from xnat_cstore.delivery import Delivered
from xnat_cstore.instance import Instance, shown
from xnat_cstore.receiver import InstanceRefused
from xnat_cstore.routing import Route
from xnat_cstore.statuses import explained, is_warning


@dataclass
class Study:
    """One study; `found` counts its files, `known` those that need not be sent.

    `size` is that of the files that are to be sent.
    """

    uid: str
    folder: Path
    found: int = 0
    size: int = 0
    known: int = 0
    sent: int = 0
    bytes: int = 0
    failed: int = 0
    begun: float = field(default_factory=time.monotonic)
    ended: float = 0.0
    warnings: Counter[str] = field(default_factory=Counter)
    reasons: set[int] = field(default_factory=set)


class Studies:
    """The studies of one run, in the order in which they were met."""

    def __init__(self) -> None:
        self._studies: dict[str, Study] = {}
        self.sent = 0
        self.complete = False
        """Whether all input has been seen."""

    def found(self, instance: Instance) -> None:
        """Count a file before it is sent."""
        folder = instance.path.parent
        study = self._studies.setdefault(instance.study, Study(instance.study, folder))
        if folder != study.folder:
            study.folder = Path(os.path.commonpath((study.folder.absolute(), folder.absolute())))
        study.found += 1
        study.size += instance.size

    def known(self, instance: Instance) -> None:
        """Count a file that need not be sent."""
        study = self._studies[instance.study]
        study.known += 1
        study.size -= instance.size

    def delivered(self, delivered: Delivered) -> None:
        """Count a file that was sent, or was not."""
        study = self._studies[delivered.instance.study]
        study.ended = time.monotonic()
        if delivered.error is not None:
            study.failed += 1
            study.size -= delivered.instance.size
            study.reasons.add(delivered.error.exit_status)
            return
        self.sent += 1
        study.sent += 1
        study.bytes += delivered.size
        if delivered.answer is not None and is_warning(delivered.answer):
            study.warnings[explained(delivered.answer)] += 1

    def records(self, route: Route) -> list[Record]:
        """A record of each study. One that is not whole at the receiver has failed."""
        # Of a run that ends early, another thread may still be finding files.
        return [self._record(study, route) for study in list(self._studies.values())]

    def plans(self, route: Route, where: Record) -> list[Record]:
        """A record of each study that would be sent, with the facts of `where`."""
        return [
            planned(
                {**_facts(study, route), **where},
                files=study.found - study.known - study.failed,
                bytes=study.size,
                known=study.known or None,
                failed=study.failed or None,
            )
            for study in self._studies.values()
        ]

    def _record(self, study: Study, route: Route) -> Record:
        record = _facts(study, route)
        facts = {
            "files": study.sent,
            "bytes": study.bytes,
            "seconds": round(max(0.0, study.ended - study.begun), 3),
            "known": study.known or None,
            "failed": study.failed or None,
            "warnings": [f"{count} x {text}" for text, count in study.warnings.items()] or None,
        }
        left = study.found - study.known - study.sent - study.failed
        if left or not self.complete:
            return failed(
                record, DicomStoreError("not sent as a whole: the run ended early"), **facts
            )
        if study.failed:
            kind = DicomStoreError if study.reasons == {NETWORK} else InstanceRefused
            error = kind(
                f"{study.failed} of {counted(study.found, 'file was', 'files were')} not taken"
            )
            return failed(record, error, **facts)
        return done(record, **facts) if study.sent else skipped(record, known=study.known)


def _facts(study: Study, route: Route) -> Record:
    record = {
        "kind": "upload",
        **route.labels,
        "path": shown(study.folder),
        "uid": study.uid,
    }
    return {key: value for key, value in record.items() if value}
