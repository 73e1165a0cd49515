"""Show the values of a DICOM file that people ask for.

Usage:
  xnat-dicom inspect [options] [--tag=<name>]... [<path>]...

Without a path, or with '-', records of kind 'dicom' are read from standard input.

Options:
  -t --tag=<name>   Only this one: a keyword or (gggg,eeee). Repeatable.
  --private         Also the private elements.
  -r --recursive    Enter the subfolders of folders.
  -w --workers=<n>  How many files to read at once.

The values are under 'tags', by keyword; the patient's are among them. One that was asked for and is
not there is '(not found)'.

Examples:
  xnat-dicom inspect a.dcm
  xnat-dicom inspect a.dcm -t EchoTime -t '(0018,0080)' -o json
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from xnat_core.job import Job
from xnat_core.records import Record
from xnat_dicom.finding import Finder, without_remarks
from xnat_dicom.reading import damage, read_header, shown, tags_of
from xnat_dicom.tags import tag_named

COMMON = (
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "StudyDescription",
    "SeriesInstanceUID",
    "SeriesNumber",
    "SeriesDescription",
    "SOPInstanceUID",
    "SOPClassUID",
    "Modality",
    "Manufacturer",
    "ManufacturerModelName",
    "InstitutionName",
    "StationName",
    "AccessionNumber",
)
NOT_FOUND = "(not found)"


def work(job: Job) -> Iterator[Record]:
    """A record per file."""
    names = job.args.texts("--tag")
    wanted = {name: tag_named(name) for name in names or COMMON}
    private = job.args.flag("--private")
    finder = Finder(job, recursive=job.args.flag("--recursive"))

    def look(record: Record) -> Iterable[Record]:
        values = inspected(Path(record["path"]), wanted, private=private)
        if not names:
            values = {name: value for name, value in values.items() if value != NOT_FOUND}
        if not job.for_people:
            return [{**record, "tags": values}]
        return [{**record, "tags": [{"name": name, "value": values[name]} for name in values]}]

    with without_remarks():
        yield from job.each(look, finder.records(job.args.texts("<path>")), ordered=True)
    finder.tell()


def inspected(path: Path, wanted: dict[str, int], *, private: bool = False) -> dict[str, str]:
    """The values of `wanted` (name to tag), and of private elements. Raises DicomError."""
    dataset = read_header(path)
    with damage(path):
        values = {
            name: shown(dataset, tag) if tag in dataset else NOT_FOUND
            for name, tag in wanted.items()
        }
        if private:
            values |= {str(tag): shown(dataset, tag) for tag in tags_of(dataset) if tag.is_private}
    return values
