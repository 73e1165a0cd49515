"""One object being downloaded: its steps, its counts, its record at the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from xnat_core.bounds import Begin, BoundReached
from xnat_core.errors import INTEGRITY, DownloadError, IntegrityError, XNATCtlError
from xnat_core.records import Record, done, failed, planned, skipped
from xnat_core.wording import counted
from xnat_download.counts import Counts
from xnat_download.crew import Work
from xnat_download.inventory import FAILED, FETCHED, THERE, File, Group
from xnat_download.records import file_record
from xnat_download.trouble import stops_the_run

if TYPE_CHECKING:
    from xnat_core.client import XNATClient
    from xnat_download.engine import Engine
    from xnat_download.inventory import Inventory
    from xnat_download.listing import Listing
    from xnat_download.partial import Partial
    from xnat_download.places import Place


class Download:
    """An object of the input. Its steps run on several threads; the last one writes its record.

    `opening` finds out what there is to do, and gives the first steps. `folder` is that of the
    session, subject or project below OUT, which is `owner` unless a template names the files;
    `archives` names the kept archive, below that folder, in which the files of a resource are.
    """

    def __init__(
        self,
        engine: Engine,
        record: Record,
        opening: Callable[[Download], Iterable[Work]],
        parent: Download | None = None,
    ) -> None:
        self.engine = engine
        self.record = record
        self.parent = parent
        self.counts = Counts()
        self.listing: Listing | None = None
        self.path: str | None = None
        self.folder = ""
        self.owner: Place | None = None
        self.begin: Begin = parent.begin if parent else engine.bounds.beginner()
        self.may_be_empty = False
        self.one_by_one = False
        self.archives: dict[int, str] = {}
        self._opening = opening
        self._lock = threading.Lock()
        self._left = 0
        self._begun = 0.0
        self._errors: list[XNATCtlError] = []
        self._reached: BoundReached | None = None
        self._in_parts = False

    def start(self) -> Work:
        """The first step."""

        def open() -> Iterable[Work]:
            self._begun = time.monotonic()
            return self._opening(self)

        return self.step(open)

    def step(self, function: Callable[[], Iterable[Work]]) -> Work:
        """A step of this object: the object is not finished before it is done."""
        with self._lock:
            self._left += 1

        def work() -> list[Work]:
            begotten: list[Work] = []
            try:
                self.engine.bounds.check_time()
                # One by one: what has been begotten before an error is waited for.
                for one in function():
                    begotten.append(one)
            except BoundReached as reached:
                self._reached = reached
            except XNATCtlError as error:
                if stops_the_run(error):
                    raise
                self.fail(error)
            self._leave()
            return begotten

        return work

    def fail(self, error: XNATCtlError) -> None:
        """Something that belongs to the object as a whole went wrong."""
        with self._lock:
            self.counts.failures += 1
            self._errors.append(error)

    def refuse(self, record: Record, error: XNATCtlError) -> None:
        """A file or resource cannot be had: it gets a record of its own, unless it has one."""
        if self.record.get("kind") == "file":
            self.fail(error)
            return
        self._in_parts = True
        self.fail(error)
        self.engine.report(failed(record, error))

    @property
    def client(self) -> XNATClient:
        """The client of the server that the object is on."""
        return self.engine.connect(self.record)

    @property
    def inventory(self) -> Inventory:
        """The listed files."""
        assert self.listing is not None, "not listed yet"
        return self.listing.inventory

    def folder_of(self, group: Group) -> str:
        """The folder whose manifest has the files of a resource, below OUT."""
        template = self.engine.options.template
        return self.folder if template is None else template.session_folder(group.place)

    def unwanted(self, group: Group) -> tuple[int, int]:
        """Files of a resource, and their bytes, that its archive brings in vain."""
        assert self.listing is not None, "not listed yet"
        return self.listing.unwanted.get(group.number, (0, 0))

    # --- files --------------------------------------------------------------------------------

    def is_there(self, group: Group, file: File, md5: str | None) -> None:
        """A file was on disk already."""
        verified = md5 is not None and md5 == file.digest
        self._settled(file, THERE, md5, Counts(skipped=1, verified=verified))
        self.tell(group, file, THERE, verified=verified)

    def fetched(self, group: Group, file: File, partial: Partial) -> None:
        """A file has come whole. Raises IntegrityError when it is not the listed one."""
        partial.check(file.size, file.digest)
        partial.accept()
        verified = file.digest is not None
        counts = Counts(files=1, bytes=partial.size, verified=verified)
        self._settled(file, FETCHED, partial.md5, counts)
        self.tell(group, file, FETCHED, verified=verified)

    def tell(self, group: Group, file: File, state: int, *, verified: bool) -> None:
        """Print the record of a file, where every file has one."""
        if self.engine.options.each:
            how = done if state == FETCHED else skipped
            self.engine.report(how(self._file_record(group, file), verified=verified))

    def add(self, counts: Counts) -> None:
        """Count."""
        with self._lock:
            self.counts.add(counts)

    def lost(self, group: Group, file: File, error: XNATCtlError) -> None:
        """A file could not be had."""
        self.inventory.mark(file.id, FAILED)
        self.refuse(self._file_record(group, file), error)

    def surplus(self, name: str) -> None:
        """An archive has a member that the server did not list."""
        with self._lock:
            self.counts.surplus += 1
            first = self.counts.surplus == 1
        if first:
            self.engine.warn(f"{name}: in the archive, but not in the listing: not written")

    # --- the end ------------------------------------------------------------------------------

    def adopt(self, child: Download) -> Work:
        """The first step of an object that this one consists of, counted as one of its own."""
        with self._lock:
            self._left += 1
        return child.start()

    def _leave(self) -> None:
        with self._lock:
            self._left -= 1
            last = not self._left
        if last:
            self._finish()

    def _finish(self) -> None:
        options, is_whole = self.engine.options, not (self._errors or self._reached)
        # With a template the manifest alone tells the next run whose file has a name.
        if is_whole or options.template is not None:
            try:
                if not options.dry_run:
                    self._close(is_whole=is_whole)
            except XNATCtlError as error:
                if stops_the_run(error):
                    raise
                self.fail(error)
        elif not options.dry_run:
            self._leave_note()
        record = self._final_record()
        if self.listing is not None:
            self.listing.inventory.close()
        if self.parent is None:
            self.engine.report(record)
            return
        if self._errors:
            self.engine.report(record)
        with self.parent._lock:
            self.parent.counts.add(self.counts)
            self.parent._errors += self._errors[:1]
            self.parent._reached = self.parent._reached or self._reached
            self.parent._in_parts = True
        self.parent._leave()

    def _close(self, *, is_whole: bool) -> None:
        options = self.engine.options
        if self.listing is not None and (options.unpack or options.archive_path is None):
            self.engine.manifests.take(self, whole=self.record.get("kind") == "session")
        if not (is_whole and options.verify) or self.counts.verified:
            return
        may_be_empty = self.may_be_empty or self.parent is not None
        if not may_be_empty or self.counts.unverifiable:
            why = "the server has no digests" if self.counts.unverifiable else "no files were found"
            raise IntegrityError(f"nothing could be verified: {why} here")

    def _leave_note(self) -> None:
        """It only saves time: without, the next run reads what is there."""
        # The files that a broken archive brought are in none.
        if self.owner is not None and self.listing is not None and not self.engine.options.archives:
            with suppress(XNATCtlError, OSError):
                self.engine.manifests.leave(self)

    def _final_record(self) -> Record:
        # The `path` of a file is the one within its resource, here as everywhere.
        where = "local_path" if self.record.get("kind") == "file" else "path"
        facts: dict[str, Any] = {where: self.path, **self.counts.facts()}
        facts["seconds"] = round(time.monotonic() - self._begun, 3)
        if self._errors:
            alone = not self._in_parts and self.counts.failures == 1
            error = self._errors[0] if alone else _together(self._errors, self.counts.failures)
            record = failed(self.record, error, **facts)
            if len({error.exit_status for error in self._errors}) == 1:
                record["error"]["exit_status"] = self._errors[0].exit_status
            return record
        if self._reached:
            return self._reached.left(self.record, **facts)
        if self.engine.options.dry_run:
            return planned(self.record, **facts)
        return (done if self.counts.files else skipped)(self.record, **facts)

    def _file_record(self, group: Group, file: File) -> Record:
        server = self.client.base_url
        try:
            local = str(self.engine.tree.path_of(group, file))
        except XNATCtlError:
            local = None
        record = file_record(server, group, file.path, file.size, file.digest)
        return {**record, **({"local_path": local} if local else {})}

    def _settled(self, file: File, state: int, md5: str | None, counts: Counts) -> None:
        self.inventory.mark(file.id, state, md5)
        counts.unverifiable = file.digest is None
        self.add(counts)


def _together(errors: list[XNATCtlError], count: int) -> XNATCtlError:
    """One error for all that is missing."""
    alike = {error.exit_status for error in errors} == {INTEGRITY}
    message = f"{counted(count, 'failure')}, the first: {errors[0].message}"
    return IntegrityError(message) if alike else DownloadError(message)
