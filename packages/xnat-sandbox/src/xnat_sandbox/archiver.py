"""Turning a built session into an experiment, or finding out why not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from .dicom_labels import clean
from .dicom_names import renumbered
from .dicom_session import BuiltScan, BuiltSession
from .disk import Staged, staged_file
from .model import Experiment, Fields, Owner, Scan, Subject, Value
from .store import Store

EXISTS = "Session already exists, retry with overwrite enabled"
MATCHING_FILES = "Session already exists with matching files."
SAME_RESOURCES = "Session already exists with the same resources."
OTHER_SUBJECT = "Invalid modification of session subject via archive process."
OTHER_PROJECT = "Invalid modification of session project via archive process."
OTHER_UID = "Invalid modification of session UID via archive process."
OTHER_MODALITY = "Invalid modification of session modality via archive process."
NO_SUBJECT = "Unable to identify subject."
NO_SCANS = "Session contains no scans."


class ArchiveFailed(Exception):
    """The session stays where it is."""

    def __init__(self, message: str, *, conflict: bool = False) -> None:
        super().__init__(message)
        self.conflict = conflict


@dataclass(frozen=True, slots=True)
class Notice:
    """One reason against archiving; only a CONFLICT can be overridden."""

    code: int
    type: Literal["FAIL", "CONFLICT", "WARN"]
    message: str


@dataclass(frozen=True, slots=True)
class ArchiveOptions:
    """How to archive."""

    user: str
    subject: str = ""
    session: str = ""
    merge: bool = False
    """Files may be added to a session that exists."""
    override: bool = False
    """Conflicts do not count, files of the same name are replaced."""
    replace_files: bool = False
    """Files of the same name are replaced."""
    quarantine: bool = False
    pipelines: bool = True
    id_first: bool = False
    """A subject is looked for by its ID before its label."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """XML paths with values to set."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A session to be archived: its document, the labels it came with, and its files.

    `files` has, for each resource folder below `directory`, paths with sizes and digests; they are
    computed before the transaction, because digests of gigabytes take their time.
    """

    built: BuiltSession
    directory: Path
    project: str
    subject: str
    label: str
    files: Mapping[Path, list[tuple[str, Staged]]] = field(default_factory=dict)

    def with_files(self, *, checksum: bool) -> Incoming:
        """The same with its files looked at."""
        folders = [*self.directory.glob("SCANS/*/*"), *self.directory.glob("RESOURCES/*")]
        files = {folder: list(_tree(folder, checksum=checksum)) for folder in sorted(folders)}
        return replace(self, files=files)


class Archiver:
    """Writes sessions into the archive."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def notices(self, incoming: Incoming, options: ArchiveOptions) -> list[Notice]:
        """Everything that speaks against archiving, overridden conflicts left out."""
        found = list(self._obstacles(incoming, options))
        return [n for n in found if not (options.override and n.type == "CONFLICT")]

    def archive(self, incoming: Incoming, options: ArchiveOptions) -> Experiment:
        """Make or extend the experiment. Its files move once the transaction is committed.

        Call it in a transaction that also forgets where the session came from.
        """
        obstacles = self.notices(incoming, options)
        if obstacles:
            conflict = all(notice.type == "CONFLICT" for notice in obstacles)
            raise ArchiveFailed(obstacles[0].message, conflict=conflict)
        subject = self._subject(incoming, options) or self._store.items.create_subject(
            incoming.project, clean(options.subject or incoming.subject), user=options.user
        )
        experiment = self._experiment(incoming, options, subject)
        for index, scan in enumerate(incoming.built.scans):
            self._archive_scan(incoming, experiment, scan, _scan_fields(options, index), options)
        self._archive_resources(incoming, experiment)
        if options.quarantine:
            self._store.items.update_experiment(
                experiment.id, status="quarantine", user=options.user
            )
        self._record(experiment, options)
        return experiment

    def uri(self, experiment: Experiment) -> str:
        """The address that the services answer: by labels, below /data/archive."""
        subject = self._store.items.subject(experiment.subject_id or "")
        label = subject.label if subject else ""
        return (
            f"/data/archive/projects/{experiment.project}/subjects/{label}"
            f"/experiments/{experiment.label}"
        )

    def _obstacles(self, incoming: Incoming, options: ArchiveOptions) -> Iterator[Notice]:
        subject = self._subject(incoming, options)
        if subject is None and not (options.subject or incoming.subject):
            yield Notice(19, "FAIL", NO_SUBJECT)
        if not incoming.built.scans:
            yield Notice(20, "FAIL", NO_SCANS)
        existing = self._existing(incoming, options)
        if existing is None:
            return
        if not (options.merge or options.override):
            yield Notice(1, "CONFLICT", EXISTS)
        if existing.project != incoming.project:
            yield Notice(13, "FAIL", OTHER_PROJECT)
        if subject is None or existing.subject_id != subject.id:
            yield Notice(12, "FAIL", OTHER_SUBJECT)
        crossing = existing.xsi_type != incoming.built.xsi_type
        if existing.session_id or (
            crossing and self._store.preferences.get("preventCrossModalityMerge")
        ):
            yield Notice(16, "FAIL", OTHER_MODALITY)
        uid = existing.fields.get("UID")
        if uid and incoming.built.uid and uid != incoming.built.uid:
            yield Notice(15, "CONFLICT", OTHER_UID)
        if not options.replace_files and self._has_matching_files(incoming, existing):
            yield Notice(18, "CONFLICT", MATCHING_FILES)
        if not options.replace_files and self._has_same_resources(incoming, existing):
            yield Notice(17, "CONFLICT", SAME_RESOURCES)

    def _label(self, incoming: Incoming, options: ArchiveOptions) -> str:
        return clean(options.session or incoming.label)

    def _existing(self, incoming: Incoming, options: ArchiveOptions) -> Experiment | None:
        return self._store.items.experiment_in(incoming.project, self._label(incoming, options))

    def _subject(self, incoming: Incoming, options: ArchiveOptions) -> Subject | None:
        wanted = options.subject or incoming.subject
        items, project = self._store.items, incoming.project
        find = items.subject_by_label_ignoring_case
        # By its ID it is found in whatever project it is.
        by_id = items.subject(wanted)
        if options.id_first and by_id:
            return by_id
        return find(project, wanted) or find(project, clean(wanted)) or by_id

    def _experiment(
        self, incoming: Incoming, options: ArchiveOptions, subject: Subject
    ) -> Experiment:
        items = self._store.items
        fields = {**session_fields(incoming.built), **_session_fields(options)}
        existing = self._existing(incoming, options)
        if existing is None:
            return items.create_experiment(
                incoming.project,
                self._label(incoming, options),
                incoming.built.xsi_type,
                subject_id=subject.id,
                fields=fields,
                user=options.user,
            )
        # What the archive knows already stays; the upload fills the gaps.
        items.update_experiment(
            existing.id, fields={**fields, **existing.fields}, user=options.user
        )
        return existing

    def _archive_scan(
        self,
        incoming: Incoming,
        experiment: Experiment,
        built: BuiltScan,
        fields: Fields,
        options: ArchiveOptions,
    ) -> None:
        scan = self._same_scan(experiment, built)
        if scan is None:
            taken = {other.id for other in self._store.items.scans(experiment.id)}
            id = built.id
            if id in taken:
                id = renumbered(id, built.modality, taken.__contains__)
            scan = self._store.items.create_scan(
                experiment.id,
                id,
                built.xsi_type,
                fields={**scan_fields(built), **fields},
                user=options.user,
            )
        for folder in incoming.files:
            if folder.parent.name == built.id and folder.parent.parent.name == "SCANS":
                self._adopt(incoming, folder, Owner.of(scan), format="DICOM", content="RAW")
        self._count_frames(scan, options.user)

    def _same_scan(self, experiment: Experiment, built: BuiltScan) -> Scan | None:
        """The scan that a series continues: the one of its UID, or of its number with no UID."""
        for scan in self._store.items.scans(experiment.id):
            uid = scan.fields.get("UID")
            if uid == built.uid or (not uid and scan.id == built.id):
                return scan
        return None

    def _archive_resources(self, incoming: Incoming, experiment: Experiment) -> None:
        for folder in incoming.files:
            if folder.parent.name == "RESOURCES":
                self._adopt(incoming, folder, Owner.of(experiment))

    def _adopt(
        self, incoming: Incoming, folder: Path, owner: Owner, *, format: str = "", content: str = ""
    ) -> None:
        """Make a folder the resource of its name."""
        resources = self._store.resources
        resource = resources.ensure(owner, folder.name, format=format, content=content)
        self._store.database.execute_many(
            "INSERT OR REPLACE INTO file (resource, path, size, digest, format, content, tags)"
            " VALUES (?,?,?,?,?,?,'')",
            [
                (resource.number, path, staged.size, staged.digest, format, content)
                for path, staged in incoming.files[folder]
            ],
        )
        resources.count(resource)
        self._store.disk.move_directory(folder, resources.directory(resource))

    def _count_frames(self, scan: Scan, user: str) -> None:
        resource = self._store.resources.find(Owner.of(scan), "DICOM")
        count = resource.file_count if resource else 0
        if count and scan.fields.get("frames") != count:
            self._store.items.update_scan(scan.number, fields={"frames": count}, user=user)

    def _has_matching_files(self, incoming: Incoming, existing: Experiment) -> bool:
        for built in incoming.built.scans:
            scan = self._same_scan(existing, built)
            resource = scan and self._store.resources.find(Owner.of(scan), "DICOM")
            if resource:
                known = {entry.path for entry in self._store.resources.files(resource)}
                folder = incoming.directory / "SCANS" / built.id / "DICOM"
                if any(path.name in known for path in folder.glob("*")):
                    return True
        return False

    def _has_same_resources(self, incoming: Incoming, existing: Experiment) -> bool:
        labels = [folder.name for folder in incoming.directory.glob("RESOURCES/*")]
        return any(self._store.resources.labelled(Owner.of(existing), label) for label in labels)

    def _record(self, experiment: Experiment, options: ArchiveOptions) -> None:
        record = self._store.workflows.record
        about = (experiment.id, experiment.project, experiment.xsi_type)
        record(*about, "Transferred", user=options.user)
        if options.pipelines:
            record(*about, "xnat_tools/AutoRun.xml", user=options.user)


def _tree(directory: Path, *, checksum: bool) -> Iterator[tuple[str, Staged]]:
    """Every file below a directory with size and digest, catalogs left out."""
    for path in sorted(directory.rglob("*")):
        if path.is_file() and not path.name.endswith("_catalog.xml"):
            yield path.relative_to(directory).as_posix(), staged_file(path, checksum=checksum)


def session_fields(built: BuiltSession) -> dict[str, Value]:
    """What the document says about the session, as the store names it."""
    fields = {
        "date": built.date,
        "time": built.time,
        "modality": built.modality,
        "UID": built.uid,
        "dcmPatientId": built.patient_id,
        "dcmPatientName": built.patient_name,
        "dcmAccessionNumber": built.accession,
        "scanner/manufacturer": built.manufacturer,
        "scanner/model": built.model,
    }
    return {name: value for name, value in fields.items() if value}


def scan_fields(built: BuiltScan) -> dict[str, Value]:
    """What the document says about a scan, as the store names it."""
    fields: dict[str, Value] = {
        "type": built.series_description,
        "UID": built.uid,
        "quality": "usable",
        "series_description": built.series_description,
        "modality": built.modality,
        "frames": built.frames,
    }
    return {name: value for name, value in fields.items() if value}


def _session_fields(options: ArchiveOptions) -> dict[str, Value]:
    """The XML paths among the parameters that point at the session itself."""
    found: dict[str, Value] = {}
    for path, value in options.fields.items():
        kind, _, rest = path.partition("/")
        if kind.endswith("SessionData") and rest and not rest.startswith("scans/"):
            found[rest] = value
    return found


def _scan_fields(options: ArchiveOptions, index: int) -> dict[str, Value]:
    """The XML paths that point at the scan of that index."""
    pattern = re.compile(rf"[^/]+SessionData/scans/scan\[{index}\](?:\[[^\]]*\])?/(.+)")
    matches = ((pattern.fullmatch(path), value) for path, value in options.fields.items())
    return {match[1]: value for match, value in matches if match}
