"""Building a staged session: read its files, sort its series, write its document."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from xml.sax.saxutils import quoteattr

from .dicom_header import Header, Unparsable, read_file
from .dicom_names import file_name, renumbered
from .dicom_session import BuiltScan, BuiltSession
from .dicom_types import scan_type, session_modality, session_type

CATALOG = '<?xml version="1.0" encoding="UTF-8"?>\n<cat:DCMCatalog UID={uid}\
 xmlns:cat="http://nrg.wustl.edu/catalog">\n<cat:entries>\n'
ENTRY = '<cat:entry URI={name} format="DICOM" content="RAW"/>\n'
CATALOG_END = "</cat:entries>\n</cat:DCMCatalog>\n"


class Empty(Exception):
    """There is no readable DICOM object in the session."""


@dataclass(slots=True)
class Group:
    """The files of one series in one folder."""

    header: Header
    names: list[str] = field(default_factory=list)
    bytes: int = 0
    oldest: int = 0


Groups = dict[tuple[str, str], Group]


def build(directory: Path, previous: Iterable[BuiltScan] = ()) -> BuiltSession:
    """Describe the session in `directory`, giving each series a folder of its own.

    Two series may carry one number. The first to hold the folder keeps it (`previous` tells who
    that was at the last build); the files of the other move to `{number}-{modality}{k}`.
    """
    scans_directory = directory / "SCANS"
    groups = read_groups(scans_directory)
    if not groups:
        raise Empty(f"{directory.name} holds no DICOM object")
    homes = find_homes(groups, {scan.uid: scan.id for scan in previous})
    for (folder, uid), group in groups.items():
        if homes[uid] != folder:
            move_files(scans_directory / folder, scans_directory / homes[uid] / "DICOM", group)
    scans = sorted(describe(groups, homes), key=lambda scan: natural(scan.id))
    for scan in scans:
        write_catalog(scans_directory / scan.id / "DICOM", scan)
    headers = [group.header for group in groups.values()]
    modalities = [header.modality for header in headers]
    leading = session_modality(modalities)
    header = next((header for header in headers if header.modality == leading), headers[0])
    return BuiltSession(
        xsi_type=session_type(modalities),
        label=directory.name,
        project="",
        subject="",
        uid=header.study_uid,
        date=dicom_date(header.study_date),
        time=dicom_time(header.study_time),
        modality=leading,
        patient_id=header.patient_id,
        patient_name=header.patient_name,
        accession=header.accession_number,
        manufacturer=header.manufacturer,
        model=header.model,
        scans=tuple(scans),
    )


def read_groups(scans_directory: Path) -> Groups:
    """Every object below `SCANS`, by folder and series."""
    groups: Groups = {}
    folders = scans_directory.iterdir() if scans_directory.is_dir() else ()
    for folder in sorted(folders, key=lambda path: natural(path.name)):
        for path in sorted((folder / "DICOM").glob("*")):
            if path.name.endswith("_catalog.xml"):
                continue
            try:
                header = read_file(path)
            except Unparsable:
                continue
            facts = path.stat()
            group = groups.setdefault((folder.name, header.series_uid), Group(header))
            group.names.append(path.name)
            group.bytes += facts.st_size
            group.oldest = min(group.oldest or facts.st_mtime_ns, facts.st_mtime_ns)
    return groups


def find_homes(groups: Groups, previous: dict[str, str]) -> dict[str, str]:
    """The scan id of every series."""
    homes = {uid: previous[uid] for _, uid in groups if uid in previous}
    for (folder, uid), group in sorted(groups.items(), key=lambda item: item[1].oldest):
        if uid in homes:
            continue
        taken = set(homes.values())
        homes[uid] = (
            renumbered(folder, group.header.modality, taken.__contains__)
            if folder in taken
            else folder
        )
    return homes


def move_files(folder: Path, target: Path, group: Group) -> None:
    """Bring a group to the folder of its series."""
    target.mkdir(parents=True, exist_ok=True)
    for name in group.names:
        path = folder / "DICOM" / name
        path.replace(target / file_name(target, name, read_file(path)))


def describe(groups: Groups, homes: dict[str, str]) -> Iterable[BuiltScan]:
    """The scans; a series that lay in two folders is one."""
    found: dict[str, BuiltScan] = {}
    for (_, uid), group in groups.items():
        header = group.header
        scan = found.get(uid) or BuiltScan(
            id=homes[uid],
            uid=uid,
            xsi_type=scan_type(header.modality, header.sop_class_uid),
            modality=header.modality,
            series_description=header.series_description,
        )
        found[uid] = replace(
            scan, frames=scan.frames + len(group.names), bytes=scan.bytes + group.bytes
        )
    return found.values()


def write_catalog(directory: Path, scan: BuiltScan) -> None:
    with (directory / f"scan_{scan.id}_catalog.xml").open("w", encoding="utf-8") as catalog:
        catalog.write(CATALOG.format(uid=quoteattr(scan.uid)))
        for path in sorted(directory.iterdir()):
            if not path.name.endswith("_catalog.xml"):
                catalog.write(ENTRY.format(name=quoteattr(path.name)))
        catalog.write(CATALOG_END)


def natural(name: str) -> list[tuple[int, str]]:
    """A sort key that counts: `2` before `10`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def dicom_date(text: str) -> str:
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}" if re.match(r"\d{8}", text) else ""


def dicom_time(text: str) -> str:
    return f"{text[:2]}:{text[2:4]}:{text[4:6]}" if re.match(r"\d{6}", text) else ""
