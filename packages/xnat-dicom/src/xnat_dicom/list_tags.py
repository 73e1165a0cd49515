"""List the elements of DICOM files.

Usage:
  xnat-dicom list-tags [options] [<path>]...

Without a path, or with '-', records of kind 'dicom' are read from standard input.

Options:
  --private         Also the private elements.
  -r --recursive    Enter the subfolders of folders.
  -w --workers=<n>  How many files to read at once.

Of bytes and sequences it is told how much there is; pixels are not read. A table shows 50
characters of a value.

Example:
  xnat-dicom list-tags a.dcm --where vr=DA
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from xnat_core.job import Job
from xnat_core.models import DicomTag
from xnat_core.records import Record
from xnat_dicom.finding import Finder, without_remarks
from xnat_dicom.reading import damage, read_header, shown, tags_of

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset
    from pydicom.tag import BaseTag


def work(job: Job) -> Iterator[Record]:
    """A record per element."""
    private = job.args.flag("--private")
    finder = Finder(job, recursive=job.args.flag("--recursive"))

    def listed(record: Record) -> Iterable[Record]:
        for tag in elements(Path(record["path"]), private=private):
            yield tag.to_record()

    with without_remarks():
        yield from job.each(listed, finder.records(job.args.texts("<path>")), ordered=True)
    finder.tell()


def elements(path: Path, *, private: bool = False) -> Iterator[DicomTag]:
    """The elements of a file but its pixels, in their order. Raises DicomError."""
    dataset = read_header(path)
    for tag in tags_of(dataset):
        if private or not tag.is_private:
            with damage(path):
                found = _element(path, dataset, tag)
            yield found


def _element(path: Path, dataset: FileDataset, tag: BaseTag) -> DicomTag:
    from pydicom.datadict import dictionary_description, dictionary_has_tag, keyword_for_tag

    known = dictionary_has_tag(tag)
    return DicomTag(
        path=str(path),
        tag=str(tag),
        value=shown(dataset, tag),
        # Looking at a value settles what it is, where the file does not say.
        vr=dataset.get_item(tag).VR,
        keyword=keyword_for_tag(tag) or None,
        name=dictionary_description(tag) if known else dataset[tag].name,
    )
