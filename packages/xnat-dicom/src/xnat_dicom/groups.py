"""Files gathered to series or studies; memory grows with these and with folders, not with files."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from xnat_core.models import DicomFile


@dataclass(slots=True)
class _Group:
    first: DicomFile
    files: int = 0
    bytes: int = 0
    folders: set[Path] = field(default_factory=set)
    series: set[str] = field(default_factory=set)
    modalities: dict[str, None] = field(default_factory=dict)


class Groups:
    """The series or studies found so far."""

    def __init__(self, *, by_series: bool) -> None:
        self._by_series = by_series
        self._groups: dict[tuple[str, ...], _Group] = {}
        self._folders: dict[str, Path] = {}

    def add(self, file: DicomFile) -> None:
        """Take a file into account."""
        study, series = file.study_uid or "", file.series_uid or ""
        key = (study, series) if self._by_series else (study,)
        group = self._groups.setdefault(key, _Group(file))
        group.files += 1
        group.bytes += file.bytes or 0
        folder = os.path.dirname(file.path or "") or "."  # noqa: PTH120 - one Path for all its files
        group.folders.add(self._folders.setdefault(folder, Path(folder)))
        group.series.add(series)
        if file.modality:
            group.modalities[file.modality] = None

    def all(self) -> Iterator[DicomFile]:
        """The groups in the order of their first files."""
        common = {key: _common(group.folders) for key, group in self._groups.items()}
        held = self._held()
        for key, group in self._groups.items():
            folder = common[key]
            alone = held[folder] == 1
            found = replace(
                group.first,
                path=str(folder) if alone else None,
                folder=None if alone else str(folder),
                instance_uid=None,
                instance_number=None,
                sop_class=None,
                files=group.files,
                bytes=group.bytes,
            )
            yield found if self._by_series else _study(found, group)

    def _held(self) -> Counter[Path]:
        """How many groups have files at or below a folder."""
        held: Counter[Path] = Counter()
        for group in self._groups.values():
            above = {parent for folder in group.folders for parent in (folder, *folder.parents)}
            held.update(above)
        return held


def _study(found: DicomFile, group: _Group) -> DicomFile:
    """Without what a series has and a study has not, and the other way round."""
    return replace(
        found,
        series_uid=None,
        series_number=None,
        series_description=None,
        modality=",".join(group.modalities) or None,
        series_count=len(group.series),
    )


def _common(folders: set[Path]) -> Path:
    if len(folders) == 1:
        return next(iter(folders))
    try:
        return Path(os.path.commonpath(folders))
    except ValueError:  # some were named from here, some from the root
        return Path(os.path.commonpath([folder.absolute() for folder in folders]))
