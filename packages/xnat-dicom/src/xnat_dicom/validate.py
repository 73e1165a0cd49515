"""Check that DICOM files lack nothing that an archive needs.

Usage:
  xnat-dicom validate [options] [<path>]...

A path is a file or a folder. Without a path, or with '-', records of kind 'dicom' are read from
standard input.

Options:
  -r --recursive    Enter the subfolders of folders.
  -w --workers=<n>  How many files to read at once.

Needed are, and not empty: PatientID, PatientName, StudyInstanceUID, SeriesInstanceUID,
SOPInstanceUID and Modality. The class and instance that the head of the file names must be those of
its data set. More than 100 private elements are worth a warning. Pixels are not read, but must be
there to their end. With --quiet only the invalid files are told of.

Exit status: 0 all are valid, 1 some are not, 2 wrong usage.

Example:
  xnat-dicom validate -r /incoming | xnat-upload dicom -P NEURO
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from xnat_core.errors import DicomError, DicomParseError
from xnat_core.job import Job
from xnat_core.records import Record, failed
from xnat_dicom.finding import Finder, without_remarks
from xnat_dicom.reading import damage, read_header, tags_of, text
from xnat_dicom.tags import tag_of_keyword

REQUIRED = (
    "PatientID",
    "PatientName",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SOPInstanceUID",
    "Modality",
)
# The head of a file names its class and instance once more (PS3.10 7.1).
TWICE = ("SOPClassUID", "SOPInstanceUID")
MANY_PRIVATE = 100


def work(job: Job) -> Iterator[Record]:
    """A record per file; an invalid one is a failed record."""
    finder = Finder(job, recursive=job.args.flag("--recursive"))

    def check(record: Record) -> Iterable[Record]:
        path = Path(record["path"])
        try:
            errors, warnings = validated(path)
        except DicomParseError as error:
            return [failed({**record, "valid": False, "errors": [error.message]}, error)]
        facts: Record = {"valid": not errors}
        if errors:
            facts["errors"] = errors
        if warnings:
            facts["warnings"] = warnings
        if errors:
            return [failed({**record, **facts}, DicomError(f"{path}: {', '.join(errors)}", path))]
        return [] if job.quiet else [{**record, **facts}]

    with without_remarks():
        yield from job.each(check, finder.records(job.args.texts("<path>")), ordered=True)
    finder.tell()


def validated(path: Path) -> tuple[list[str], list[str]]:
    """What makes a file invalid, and what is worth a look. Raises DicomError."""
    dataset = read_header(path, pixels=True)
    with damage(path):
        given = {name: text(dataset, tag_of_keyword(name)) for name in {*REQUIRED, *TWICE}}
        head = {
            name: text(dataset.file_meta, tag_of_keyword(f"MediaStorage{name}")) for name in TWICE
        }
    errors = [f"{name} is missing or empty" for name in REQUIRED if not given[name]]
    errors += [
        f"MediaStorage{name} is {head[name]}, and {name} is {given[name]}"
        for name in TWICE
        if head[name] and given[name] and head[name] != given[name]
    ]
    private = sum(1 for tag in tags_of(dataset) if tag.is_private)
    warnings = [f"{private} private elements"] if private > MANY_PRIVATE else []
    return errors, warnings
