"""Rows of the prearchive that the scans of a session join, and what others have put there.

The import service adds to the row of the project, study and label, whatever subject it waits for
and whoever has filled it. All of it would become part of the session.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

from xnat_core.archive import Expected
from xnat_core.imports import HeldFile, staged_md5
from xnat_core.models import PrearchiveEntry
from xnat_core.prearchive import Prearchive
from xnat_core.transfer_errors import TransferConflictError
from xnat_core.wording import counted
from xnat_transfer.contents import Contents, Holding, Place
from xnat_transfer.difference import Lack
from xnat_transfer.sending import expected_files

_Key = TypeVar("_Key")
# What any server keeps of the names that files come with; for others it may have names of its own.
_KEPT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


class Joining:
    """What may wait for a session: `name` is how messages call it, `subject` whose it becomes."""

    def __init__(self, name: str, subject: str) -> None:
        self._name = name
        self._subject = subject

    def is_for_another(self, row: PrearchiveEntry) -> bool:
        """Whether a row waits for another subject."""
        return (row.subject or "").lower() != self._subject.lower()

    def require_subject(self, rows: Iterable[PrearchiveEntry]) -> None:
        """Raise TransferConflictError for a row that waits for another subject."""
        for row in rows:
            if row.subject and self.is_for_another(row):
                raise self._conflict(
                    row,
                    f"waits for subject {row.subject!r}, not for {self._subject!r}, and what is "
                    f"sent would join it: {_command(row, 'delete')} first, or archive it under "
                    "another --label",
                )

    def require_no_others(
        self, row: PrearchiveEntry, files: Iterable[HeldFile], wanted: Contents, *, begun: bool
    ) -> None:
        """Raise TransferConflictError for a row with files that are none of those `wanted`.

        `begun`: some run has sent files to it, and the destination may have renamed all of them.
        """
        others = _others(files, wanted, begun=begun)
        if others:
            raise self._conflict(
                row,
                f"holds {counted(len(others), 'file')} that the source does not have "
                f"(scan {others[0].scan}, file {others[0].name}), and what is sent would be added "
                f"to that: {_command(row, 'archive')} or {_command(row, 'delete')} first",
            )

    def _conflict(self, row: PrearchiveEntry, what: str) -> TransferConflictError:
        return TransferConflictError(
            "session", self._name, row.id, f"that row of the prearchive {what}"
        )


def unheld(
    lacks: Iterable[Lack], held: Counter[_Key], key: Callable[[Lack, str], _Key]
) -> list[Lack]:
    """The lacks without the files that are held; each of those is taken out, and counts once."""
    left = []
    for lack in lacks:
        paths = []
        for path in lack.paths:
            one = key(lack, path.rpartition("/")[2])
            if held[one] > 0:
                held[one] -= 1
            else:
                paths.append(path)
        if paths:
            left.append(replace(lack, paths=tuple(paths)))
    return left


def is_same(prearchive: Prearchive, rows: Iterable[PrearchiveEntry], lack: Lack, path: str) -> bool:
    """Whether the rows that have a file of that name have it with the bytes of the source."""
    digest, name = lack.holding.files[path].digest.hex(), path.rpartition("/")[2]
    found = {
        staged_md5(prearchive, row, lack.place.owner, lack.place.label, name)
        for row in (rows if digest else ())
    }
    return bool(digest) and found - {None} == {digest}


def count(lacks: Iterable[Lack]) -> int:
    """How many files that are."""
    return sum(len(lack.paths) for lack in lacks)


def _others(files: Iterable[HeldFile], wanted: Contents, *, begun: bool) -> list[HeldFile]:
    """The files of a row that cannot have come from here.

    By name, for scans may be numbered anew. Files of one name get another one where they meet, and
    those whose names are not kept: so many may be called anything.
    """
    names = Counter(
        expected.name.rpartition("/")[2]
        for place, holding in wanted.holdings.items()
        if place.is_dicom
        for expected in _expected(place, holding)
    )
    left = names.copy()
    unknown = []
    for file in files:
        if left[file.name] > 0:
            left[file.name] -= 1
        else:
            unknown.append(file)
    if begun and left == names:
        renamed = left.total()
    else:
        renamed = sum(
            count for name, count in left.items() if names[name] > 1 or not _KEPT.fullmatch(name)
        )
    return unknown[renamed:]


def _expected(place: Place, holding: Holding) -> Iterable[Expected]:
    lack = Lack(place, holding, tuple(holding.files))
    return expected_files(lack, folder=place.owner).values()


def _command(row: PrearchiveEntry, verb: str) -> str:
    return f"'xnat-prearchive {verb} {row.project} {row.timestamp} {row.name}'"
