"""Send DICOM files to a receiver by C-STORE.

Usage:
  xnat-cstore send [options] [<path>]...

Options:
  --host=<name>              Host of the receiver (or XNAT_DICOM_HOST).
  --port=<n>                 Its port, 104 when not given (or XNAT_DICOM_PORT).
  --called-aet=<title>       Its AE title (or XNAT_DICOM_CALLED_AET).
  --calling-aet=<title>      Ours, XNATCTL when not given (or XNAT_DICOM_CALLING_AET).
  -P --project=<id>          Write this project into the copies that are sent.
  -S --subject=<label>       The same with the subject.
  -E --experiment=<label>    The same with the session.
  -w --workers=<n>           Associations at once; else the profile's number, else 4.
  --each                     Print a record of every file, not of every study.
  --resend                   Send also what the receiver has acknowledged before.
  --transcode                Decompress what the receiver does not take compressed.
  --dry-run                  Print where and what would be sent, and send nothing.
  --timeout=<seconds>        How long to wait for an answer to a file; 120 when not given.
  --tls                      Encrypt, and check the receiver's certificate
                             (or XNAT_DICOM_TLS=true).
  --tls-ca-bundle=<path>     Certificates to trust instead of the system's.
  --tls-cert=<path>          A certificate of ours, for receivers that want one.
  --tls-key=<path>           Its key, where the certificate's file has none.
  -p --profile=<name>        Profile of the configuration file that says how many workers.

Paths are files and directories; without any, records of kind 'dicom' are read from standard input.
Below a directory, what is no DICOM is passed over. Files are sent as they are, compressed ones
too, and never changed on disk: -P -S -E write 'Project:… Subject:… Session:…' into the Patient
Comments of the copies, where XNAT looks for them.

A file that the receiver has acknowledged is not sent again by a repeated command, and of files with
one SOP Instance UID only the first is: the others are copies of it, or failures. An association
that is lost is opened anew; when the receiver has not answered for 30 seconds the rest is left to
the next run. A study is 'done' when the receiver has taken every file of it. That it has arrived
in the project is for 'xnat-prearchive wait' to find out.

Examples:
  xnat-cstore send ./S1 --host xnat.example.org --port 8104 --called-aet XNAT
  xnat-cstore send ./S1 -P NEURO -S S1 -E S1_MR1 | xnat-prearchive wait | xnat-prearchive archive
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xnat_core.dicom_files import LostLinks
from xnat_core.errors import DicomStoreError, UploadError
from xnat_core.job import Job
from xnat_core.records import Record, done, failed, skipped
from xnat_core.user_paths import expanded
from xnat_core.wording import counted
from xnat_cstore.delivery import Delivered, Manner, deliver
from xnat_cstore.echo import echoed, facts_of
from xnat_cstore.finding import in_paths, in_records
from xnat_cstore.instance import Instance
from xnat_cstore.memory import Memory
from xnat_cstore.namesakes import Known, told_apart
from xnat_cstore.options import receiver_of, timeout_of, workers_of
from xnat_cstore.receiver import Receiver
from xnat_cstore.routing import Route
from xnat_cstore.statuses import code, explained, is_warning
from xnat_cstore.studies import Studies

if TYPE_CHECKING:
    from xnat_core.commandline import Args


@dataclass(frozen=True, slots=True)
class Options:
    """The command line, typed and checked."""

    receiver: Receiver
    manner: Manner
    paths: tuple[Path, ...]
    each: bool
    resend: bool
    dry_run: bool

    @classmethod
    def of(cls, job: Job) -> Options:
        args = job.args
        route = Route(args.text("--project"), args.text("--subject"), args.text("--experiment"))
        if args.flag("--transcode"):
            from xnat_cstore.unpack import require_decoders

            require_decoders()
        return cls(
            receiver=receiver_of(job),
            manner=Manner(workers_of(job), timeout_of(job), route, args.flag("--transcode")),
            paths=_paths(args),
            each=args.flag("--each"),
            resend=args.flag("--resend"),
            dry_run=args.flag("--dry-run"),
        )


def work(job: Job) -> Iterator[Record]:
    """A record of each study, or file; a failed one of each file that is not taken."""
    options = Options.of(job)
    if not options.dry_run:
        echoed(options.receiver, options.manner.timeout)
    memory = Memory(options.receiver, options.manner.route)
    with memory.opened():
        if not memory.exclusive:
            job.console.warning(
                f"another process is sending to {options.receiver}: "
                "what this one sends will not be remembered"
            )
        yield from _Run(job, options, memory).records()


class _Run:
    def __init__(self, job: Job, options: Options, memory: Memory) -> None:
        self._job = job
        self._options = options
        self._memory = memory
        self._studies = Studies()
        self._lost = LostLinks()
        # What the records on standard input said, by the instance that each became.
        self._origins: dict[int, Record] = {}

    def records(self) -> Iterator[Record]:
        route = self._options.manner.route
        if self._options.dry_run:
            for item in self._items():
                if isinstance(item, dict):
                    yield item
                elif isinstance(item, Delivered):
                    yield from self._told(item)
            where = facts_of(self._options.receiver)
            del where["kind"], where["id"]
            yield from self._studies.plans(route, where)
            return
        self._job.progress.start(what="sending")
        results: Iterator[Delivered | Known | Record] = deliver(
            self._items(), self._options.receiver, self._options.manner
        )
        try:
            for result in results:
                yield from [result] if isinstance(result, dict) else self._told(result)
        except DicomStoreError as error:
            yield from self._of_studies(route)
            raise DicomStoreError(
                f"{error.message}; "
                f"{counted(self._studies.sent, 'file was', 'files were')} taken before, "
                "the same command sends the rest",
                self._options.receiver.host,
                self._options.receiver.port,
            ) from error
        yield from self._of_studies(route)

    def _items(self) -> Iterator[Instance | Known | Delivered | Record]:
        """What is to be sent, what need not be, and what cannot be."""
        empty = True
        for item in told_apart(self._found()):
            empty = False
            if isinstance(item, dict):
                yield item
                continue
            if isinstance(item, Instance):
                remembered = not self._options.resend and self._memory.knows(item)
                item = Known(item) if remembered else item
            instance = item if isinstance(item, Instance) else item.instance
            self._studies.found(instance)
            if isinstance(item, Known):
                self._studies.known(instance)
            yield item
        if self._lost.count:
            self._job.console.warning(str(self._lost))
        if empty and self._options.paths:
            raise UploadError(f"no DICOM files in {', '.join(map(str, self._options.paths))}")
        self._studies.complete = True

    def _found(self) -> Iterable[Instance | Record]:
        if self._options.paths:
            return in_paths(self._options.paths, self._lost)
        return in_records(self._job.records("dicom"), self._keep, self._lost)

    def _keep(self, instance: Instance, record: Record) -> None:
        self._origins[id(instance)] = record

    def _told(self, item: Delivered | Known) -> Iterator[Record]:
        """The record of a file, where one is wanted."""
        instance = item.instance
        record = {**self._origins.pop(id(instance), {}), **_facts(instance)}
        if isinstance(item, Known):
            if self._options.each:
                yield skipped(record)
            return
        self._job.progress.advance(item.size, 1)
        self._studies.delivered(item)
        status = code(item.answer) if item.answer is not None else None
        comment = item.answer.comment or None if item.answer is not None else None
        if item.error is not None:
            yield failed(record, item.error, status=status, comment=comment)
            return
        self._memory.add(instance)
        if self._options.each:
            assert item.answer is not None
            warning = explained(item.answer) if is_warning(item.answer) else None
            seconds = round(item.seconds, 4)
            yield done(record, bytes=item.size, seconds=seconds, status=status, warning=warning)

    def _of_studies(self, route: Route) -> list[Record]:
        return [] if self._options.each else self._studies.records(route)


def _facts(instance: Instance) -> Record:
    record = {
        "kind": "dicom",
        "path": instance.name,
        "study": instance.study,
        "instance": instance.uid,
        "sop_class": instance.sop_class,
        "transfer_syntax": instance.syntax,
    }
    return {key: value for key, value in record.items() if value}


def _paths(args: Args) -> tuple[Path, ...]:
    words = args.texts("<path>")
    return () if words == ("-",) else tuple(expanded(word) for word in words)
