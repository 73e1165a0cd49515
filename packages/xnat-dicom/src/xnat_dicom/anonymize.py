"""Write copies of DICOM files that do not tell whose they are.

Usage:
  xnat-dicom anonymize [options] <in> <out>

<in> is a file or a folder; below <out> the folders are as below <in>. The copy of a file goes into
<out> if that is a folder or ends with a slash. Input is never changed, and nothing is replaced but
copies of an earlier run.

Options:
  --patient-id=<id>      ID of the patient in all copies; else each patient gets a pseudonym.
  --patient-name=<name>  Name of the patient in all copies; else as the ID.
  --key-file=<file>      Key of the new UIDs and pseudonyms; made if there is none.
  --remove-private       Remove private elements, as without --keep-private.
  --keep-private         Leave private elements as they are.
  -r --recursive         Enter the subfolders of a folder.
  --dry-run              Do everything but write.
  -w --workers=<n>       How many files at once.

Follows the Basic Application Level Confidentiality Profile of DICOM PS3.15, 2026c, in every item of
every sequence: what identifies is removed, emptied or replaced, dates too; descriptions as well.
UIDs are replaced by others, the same by the same, so that series and studies stay together: within
a run, and over runs with the same key. Whoever has the key can test guesses; keep it like the data.

What is not cleaned: pixels. Names can be burned into them, and faces can be seen in them; a warning
tells of every file that does not state BurnedInAnnotation NO. Neither are the names of files and
folders, nor elements outside of the profile that should say nothing and do.

Example:
  xnat-dicom anonymize -r /incoming/S1 ./clean --key-file study.key
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from xnat_core.dicom_files import LocalFile
from xnat_core.errors import DicomError, UsageError
from xnat_core.job import Job
from xnat_core.models import DicomFile
from xnat_core.presence import exists
from xnat_core.records import Record, done, planned
from xnat_core.user_paths import expanded
from xnat_core.wording import counted
from xnat_dicom.deidentify import Deidentifier, is_copy
from xnat_dicom.finding import Finder, is_folder, without_remarks
from xnat_dicom.pseudonyms import Pseudonyms, key_of
from xnat_dicom.reading import damage, read_whole
from xnat_dicom.writing import write


@dataclass(frozen=True, slots=True)
class Options:
    """The command line, typed and checked."""

    source: Path
    target: Path
    folder: bool
    dry_run: bool
    deidentifier: Deidentifier

    @classmethod
    def of(cls, job: Job) -> Options:
        """Read the words. Raises UsageError, and DicomError when there is no input."""
        args = job.args
        args.only_one("--remove-private", "--keep-private")
        source = expanded(args.required("<in>"))
        out = args.required("<out>")
        target = expanded(out)
        folder = is_folder(source)
        if not folder and (target.is_dir() or out.endswith((os.sep, "/"))):
            target /= source.name
        _apart(source, target)
        key_file, dry_run = args.path("--key-file"), args.flag("--dry-run")
        key = key_of(key_file, create=not dry_run) if key_file else None
        return cls(
            source,
            target,
            folder,
            dry_run,
            Deidentifier(
                Pseudonyms(key) if key else Pseudonyms(),
                patient_id=_plain(job, "--patient-id"),
                patient_name=_plain(job, "--patient-name"),
                keep_private=args.flag("--keep-private"),
            ),
        )


@dataclass(frozen=True, slots=True)
class Copy:
    """A file and the copy that is to be made of it."""

    source: Path
    target: Path

    @property
    def record(self) -> Record:
        """Names the copy: that is what goes on."""
        return DicomFile(path=str(self.target), source=str(self.source)).to_record()


def work(job: Job) -> Iterator[Record]:
    """A record per copy."""
    options = Options.of(job)
    finder = Finder(job, recursive=job.args.flag("--recursive"))
    inside = options.source.resolve()
    doubtful = 0

    def copies() -> Iterator[Copy]:
        for file in finder.some(options.source):
            yield Copy(file.path, _target(options, file))

    def act(copy: Copy) -> Iterable[Record]:
        if copy.target.resolve().is_relative_to(inside):
            raise DicomError(f"{copy.target}: is part of the input", copy.source)
        # A device or a pipe might be read for ever.
        if exists(copy.target) and not (copy.target.is_file() and is_copy(copy.target)):
            said = f"{copy.target} is there, and no copy of this tool: it is not replaced"
            raise DicomError(said, copy.source)
        dataset = read_whole(copy.source)
        with damage(copy.source):
            remains = options.deidentifier.apply(dataset)
        facts = {"warnings": remains or None}
        if options.dry_run:
            return [planned(copy.record, **facts)]
        return [done(copy.record, bytes=write(dataset, copy.target), **facts)]

    with without_remarks():
        for record in job.each(act, copies()):
            doubtful += bool(record.get("warnings"))
            yield record
    finder.tell()
    if doubtful:
        job.console.warning(
            f"{counted(doubtful, 'file')} may still tell who the patient is: "
            "see 'warnings' in the records"
        )


def _target(options: Options, file: LocalFile) -> Path:
    if not options.folder:
        return options.target
    return options.target / file.path.relative_to(options.source)


def _apart(source: Path, target: Path) -> None:
    here, there = source.resolve(), target.resolve()
    if there.is_relative_to(here):
        raise UsageError(f"{target} is in {source}: input is not written to")
    if here.is_relative_to(there):
        raise UsageError(f"{source} is in {target}: input is not written to")


def _plain(job: Job, option: str) -> str | None:
    """A value that any character set can hold, and one line of 64 characters can, too."""
    value = job.args.text(option)
    if value is None:
        return None
    if not value or not value.isascii() or not value.isprintable() or "\\" in value:
        raise UsageError(f"{option} {value}: must be ASCII text without a backslash")
    if len(value) > 64:
        raise UsageError(f"{option} {value}: must have at most 64 characters")
    return value
