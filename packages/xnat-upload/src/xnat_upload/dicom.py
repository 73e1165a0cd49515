"""Upload DICOM: each study becomes a session, in the archive or in the prearchive.

Usage:
  xnat-upload dicom [options] [<path>]...

A path is a folder, searched for DICOM files (and for zips that hold some), a file, or an archive
(.zip .tar .tar.gz .tgz). Without a path, or with '-', records of kind 'upload' are read from
standard input: {"kind":"upload","path":"/incoming/S1","project":"P","subject":"S1","session":"E1"}.
Records of kind 'dicom', as 'xnat-dicom ls' prints them, are gathered and uploaded at the end.

What the server has already is not sent again, so a run that was killed is completed by the same
command. Without -S and -E the labels come from the DICOM headers, as the server would read them:
see what --dry-run says. Without -E, a study that would join the session of another one, or that the
project has under another label, is refused.

Options:
  -P --project=<id>       Project; or the default project of the profile.
  -S --subject=<label>    Subject, made if it does not exist.
  -E --experiment=<label> Session.
  --mode=<mode>           tar, zip or gradual: files in few large requests, or one request per file.
  -w --workers=<n>        Requests at once.
  --overwrite=<how>       none, append or delete: touch no existing session; add what is missing;
                          send everything again and replace what differs. Without: add what is
                          missing and replace what is in the way.
  --direct-archive        Into the archive.
  --prearchive            Into the prearchive, to be archived later.
  --wait=<seconds>        How long to wait for the archive; 0 does not wait. [default: 14400]
  --verify                Compare also what is there already; a file that differs on the server is
                          a failure, whoever changed it.
  --ignore-unparsable     Pass over damaged DICOM files; else each is a failure.
  --no-ignore-unparsable  Have the server refuse what it cannot read, too.
  --merge-studies         Several studies may become one session, also one that is there.
  --zip-to-tar            Send what is in a zip as a tar.
  --transport=<how>       rest or cstore; for the latter 'xnatctl session upload' runs
                          'xnat-cstore send'.
  --dry-run               Say what would be sent, from the files alone; the server is not asked.

Exit status: 0 all is where it was to be, 1 something is not; 2 wrong usage.

Examples:
  xnat-upload dicom /incoming/S1 -P NEURO -S S1 -E S1_MR1
  xnat-upload dicom /incoming -P NEURO --dry-run --output table
  xnat-upload dicom S1.zip -P NEURO --prearchive | xnat-prearchive archive | xnat-ls scans
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from xnat_core.commandline import Args
from xnat_core.config import ARCHIVE_MODES, OVERWRITE
from xnat_core.errors import UploadError, UsageError
from xnat_core.job import Job
from xnat_core.presence import exists
from xnat_core.records import Record, failed, path_of
from xnat_core.user_paths import expanded
from xnat_upload.plan import Order
from xnat_upload.terms import Manner
from xnat_upload.uploads import Uploads


@dataclass(frozen=True, slots=True)
class Options:
    """The command line, typed and checked, the profile's defaults applied."""

    paths: tuple[Path, ...]
    from_input: bool
    subject: str | None
    session: str | None
    archive: bool
    merge_studies: bool
    skip_damaged: bool
    dry_run: bool
    manner: Manner

    @classmethod
    def of(cls, job: Job) -> Options:
        """Read the words. Raises UsageError."""
        args, profile = job.args, job.profile
        args.only_one("--direct-archive", "--prearchive")
        args.only_one("--ignore-unparsable", "--no-ignore-unparsable")
        if args.choice("--transport", ("rest", "cstore")) == "cstore":
            raise UsageError("--transport cstore: use 'xnat-cstore send'")
        words = args.texts("<path>")
        paths = tuple(expanded(word) for word in words if word != "-")
        given = args.choice("--overwrite", OVERWRITE) or profile.overwrite
        direct = True if profile.direct_archive is None else profile.direct_archive
        return cls(
            paths=paths,
            from_input=job.wants_input(*words),
            subject=args.text("--subject"),
            session=args.text("--experiment"),
            archive=args.flag("--direct-archive") or (direct and not args.flag("--prearchive")),
            merge_studies=args.flag("--merge-studies"),
            skip_damaged=args.flag("--ignore-unparsable"),
            dry_run=args.flag("--dry-run"),
            manner=Manner(
                mode=_mode(args, paths, profile.archive_mode),
                overwrite=given or "delete",
                again=given == "delete",
                merges=args.flag("--merge-studies"),
                workers=job.workers,
                wait=args.number("--wait", least=0) or 0.0,
                ignore_unparsable=not args.flag("--no-ignore-unparsable"),
                verify=args.flag("--verify"),
            ),
        )

    def order(self, paths: tuple[Path, ...], project: str) -> Order:
        """What is asked for of some paths, as the command line says it."""
        return Order(paths, project, self.subject, self.session, self.archive, self.merge_studies)


def _mode(args: Args, paths: tuple[Path, ...], usual: str | None) -> str:
    """How files travel: as asked for, else as is usual, else zips as zip and all others as tar."""
    mode = args.choice("--mode", ARCHIVE_MODES) or usual
    if mode is None:
        zips = paths and all(path.name.lower().endswith(".zip") for path in paths)
        mode = "zip" if zips else "tar"
    return "tar" if mode == "zip" and args.flag("--zip-to-tar") else mode


def work(job: Job) -> Iterator[Record]:
    """Upload what the command line names, or what standard input asks for."""
    options = Options.of(job)
    uploads = Uploads(job, options.manner, options.skip_damaged, dry_run=options.dry_run)
    return uploads.records(_orders(job, options))


def _orders(job: Job, options: Options) -> Iterator[Order]:
    for path in options.paths:
        # A mistyped name is one line, told before the server is asked for anything.
        if not exists(path):
            raise UploadError(f"{path}: No such file or directory", path)
    if options.paths:
        yield options.order(options.paths, job.required_project())
    if not options.from_input:
        return
    files: list[Path] = []
    for record in job.records("upload", "dicom"):
        paths = _paths(record)
        if not paths:
            job.emit(failed(record, UploadError("the record has no path")))
        elif record["kind"] == "dicom":
            files += paths
        else:
            yield replace(
                options.order(paths, str(record.get("project") or job.project() or "")),
                subject=_text(record, "subject") or options.subject,
                session=_text(record, "session") or options.session,
                record=record,
            )
    if files:
        yield options.order(tuple(files), job.required_project())


def _paths(record: Record) -> tuple[Path, ...]:
    """Empty for a record without a path."""
    named = path_of(record)
    if named is None:
        return ()
    return (Path(named) if record["kind"] == "dicom" else expanded(named),)


def _text(record: Record, key: str) -> str | None:
    value = record.get(key)
    return str(value) if value not in (None, "") else None
