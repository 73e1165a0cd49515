"""What an exam folder is made of: DICOM, and files that become resources of its session."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xnat_core.archive.members import Member
from xnat_core.dicom_files import LostLinks, walk
from xnat_core.errors import UploadError, XNATCtlError
from xnat_upload.sorting import counts_as_dicom


@dataclass(frozen=True)
class Exam:
    """What lies in an exam folder besides DICOM: files by the resource they become."""

    root: Path
    has_dicom: bool
    resources: dict[str, list[Member]]

    def facts(self, misc: str) -> dict[str, Any]:
        """What a record tells of the resources."""
        folders = sorted(label for label in self.resources if label != misc)
        return {
            "resource_dirs": folders,
            "misc_files": len(self.resources.get(misc, ())),
            "misc_label": misc,
        }


def look_into(root: Path, misc: str) -> Exam:
    """Tell DICOM from the rest; a folder is a resource when there is no DICOM anywhere in it.

    `misc` is the label for files directly in it. Raises UploadError for what cannot be read, and
    for two files that would become one.
    """
    sorting = _Sorting(root, misc)
    for child in sorted(root.iterdir()):
        if child.name.startswith("."):
            continue
        if child.is_dir():
            sorting.take_folder(child)
        elif child.is_file():
            sorting.take_file(child)
        else:
            sorting.loose.append(child)
    return sorting.outcome()


class _Sorting:
    """The children of an exam folder, looked at one after the other."""

    def __init__(self, root: Path, misc: str) -> None:
        self.loose: list[Path] = []
        self._root = root
        self._misc = misc
        self._has_dicom = self._is_among_dicom = False
        self._resources: dict[str, dict[str, Member]] = {}
        self._lost: list[Path] = []
        self._troubles: list[XNATCtlError] = []

    def take_folder(self, folder: Path) -> None:
        # Among DICOM, links that lead nowhere are told of by its upload.
        links = LostLinks()
        found: list[Path] = []
        for file in walk([folder], self._troubles.append, links):
            if counts_as_dicom(file.path):
                self._has_dicom = True
                return
            found.append(file.path)
        # Those alone that were looked at: DICOM may have come since.
        for path in found:
            self._add(re.sub(r"[^A-Za-z0-9_.-]", "_", folder.name), path, folder)
        self._lost += [links.first] if links.first else []

    def take_file(self, file: Path) -> None:
        if counts_as_dicom(file):
            self._has_dicom = self._is_among_dicom = True
        else:
            self._add(self._misc, file, self._root)

    def _add(self, label: str, file: Path, folder: Path) -> None:
        member = Member.of(file, file.relative_to(folder).as_posix())
        other = self._resources.setdefault(label, {}).setdefault(member.name, member)
        if other is not member:
            raise UploadError(f"{other.path} and {file} would both become {label}/{member.name}")

    def outcome(self) -> Exam:
        lost = self._lost if self._is_among_dicom else self._lost + self.loose
        # Links that lead nowhere; what one has come to lead to was not looked at.
        for file in walk(lost, self._troubles.append):
            error = UploadError(f"{file.path}: was not there a moment ago", file.path)
            self._troubles.append(error)
        if self._troubles:
            raise self._troubles[0]
        resources = {label: [*named.values()] for label, named in self._resources.items()}
        return Exam(self._root, self._has_dicom, resources)
