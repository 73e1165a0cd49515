"""Tell what DICOM there is: files, series or studies.

Usage:
  xnat-dicom ls [options] <path>...

A path is a file, or a folder that is searched to its last subfolder for files with the name or the
first bytes of DICOM. Files are printed as they are found and read no further than needed.

Options:
  --by=<what>       file, series or study. [default: file]
  --patient         Tell also ID, name, day of birth and sex of the patient.
  -w --workers=<n>  How many files to read at once.

Series and studies are printed when all has been read, in the order of their first file. Their
'path' is the folder when nothing else is in it; when others are in it, they have only 'folder', and
their files go on as files: --by file.

Examples:
  xnat-dicom ls /incoming --by study
  xnat-dicom ls /incoming --where modality=MR | xnat-upload dicom -P NEURO
  xnat-dicom ls /incoming --where series_number=4 | xnat-cstore send --host xnat.example.org
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from xnat_core.job import Job
from xnat_core.models import DicomFile
from xnat_core.records import Record
from xnat_dicom.finding import Finder, without_remarks
from xnat_dicom.groups import Groups
from xnat_dicom.reading import damage, read_elements, text

FACTS = {
    "study_uid": 0x0020000D,
    "series_uid": 0x0020000E,
    "instance_uid": 0x00080018,
    "sop_class": 0x00080016,
    "modality": 0x00080060,
    "date": 0x00080020,
    "study_description": 0x00081030,
    "series_number": 0x00200011,
    "series_description": 0x0008103E,
    "instance_number": 0x00200013,
}
PATIENT = {
    "patient_id": 0x00100020,
    "patient_name": 0x00100010,
    "patient_birth_date": 0x00100030,
    "patient_sex": 0x00100040,
}


def work(job: Job) -> Iterator[Record]:
    """A record per file, series or study."""
    by = job.args.choice("--by", ("file", "series", "study"))
    facts = {**FACTS, **PATIENT} if job.args.flag("--patient") else FACTS
    finder = Finder(job, recursive=True)

    def read(record: Record) -> Iterable[Record]:
        path = Path(record["path"])
        return [described(path, facts, record.get("bytes")).to_record()]

    with without_remarks():
        found = job.each(read, finder.records(job.args.texts("<path>")), ordered=True)
        if by == "file":
            yield from found
        else:
            groups = Groups(by_series=by == "series")
            for record in found:
                if record.get("outcome") == "failed":
                    yield record
                else:
                    groups.add(DicomFile.from_record(record))
            for group in groups.all():
                shown = replace(group, path=f"{group.folder} (shared)")
                yield (shown if group.folder and job.for_people else group).to_record()
    finder.tell()


def described(path: Path, facts: dict[str, int], size: int | None = None) -> DicomFile:
    """What the head of a file says. Raises DicomError."""
    dataset = read_elements(path, facts.values())
    with damage(path):
        values = {name: text(dataset, tag) for name, tag in facts.items()}
    for name in ("date", "patient_birth_date"):
        values[name] = _day(values.get(name))
    return DicomFile.from_row(values, path=str(path), bytes=size)


def _day(value: str | None) -> str | None:
    if value and len(value) == 8 and value.isdecimal():
        return f"{value[:4]}-{value[4:6]}-{value[6:]}"
    return value
