"""What all objects of a run share, and the loop over them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from xnat_core.bounds import UNBOUNDED, Bounds
from xnat_core.errors import XNATCtlError
from xnat_core.parallel import processors
from xnat_core.progress import Progress
from xnat_core.records import Record
from xnat_download.crew import Crew, Work
from xnat_download.disk import Tree
from xnat_download.download import Download
from xnat_download.leftovers import Leftovers
from xnat_download.manifest import Manifests
from xnat_download.names import Names
from xnat_download.noted import Noted
from xnat_download.selection import Selection
from xnat_download.template import Template

if TYPE_CHECKING:
    from xnat_core.client import XNATClient

# Handing a smaller file to another thread takes longer than its MD5.
_WORTH_A_THREAD = 1 << 18
_PROCESSORS = processors()


@dataclass(frozen=True)
class Options:
    """What a run was asked for. `folder` is the name of the one session's folder below `out`.

    `archives` keeps the server's archives as files; `unpack` unpacks such an archive, too.
    `archive_path` is where the one archive of a resource goes; unless somebody chose that name
    (`archive_is_named`), an archive of something else is not replaced. `each` reports every file.
    """

    out: Path
    selection: Selection = field(default_factory=Selection)
    workers: int = 4
    verify: bool = False
    dry_run: bool = False
    each: bool = False
    folder: str | None = None
    template: Template | None = None
    archives: bool = False
    unpack: bool = False
    archive_path: Path | None = None
    archive_is_named: bool = False


class Engine:
    """One run. `connect` gives the client for a record, `report` takes finished records.

    `report` and `warn` are called from all threads. `bounds` says until when files may be begun.
    """

    def __init__(
        self,
        options: Options,
        connect: Callable[[Record], XNATClient],
        report: Callable[[Record], None],
        warn: Callable[[str], None],
        progress: Progress,
        bounds: Bounds = UNBOUNDED,
    ) -> None:
        self.options = options
        self.connect = connect
        self.report = report
        self.warn = warn
        self.progress = progress
        self.bounds = bounds
        self.tree = Tree(options.out)
        self.names = Names(self.tree)
        self.noted = Noted(self.tree)
        self.manifests = Manifests(self.tree, options.template)
        self.leftovers = Leftovers()
        self._lock = threading.Lock()
        self._streams = 0

    @contextmanager
    def streaming(self) -> Iterator[None]:
        """While bytes of one answer arrive."""
        with self._lock:
            self._streams += 1
        try:
            yield
        finally:
            with self._lock:
                self._streams -= 1

    def hashes_behind(self, size: int | None) -> bool:
        """Whether a file's MD5 is computed on another thread while its stream goes on.

        Where there are as many streams as processors, there is always one to use them meanwhile.
        """
        return (size or 0) >= _WORTH_A_THREAD and 2 * self._streams <= _PROCESSORS

    def run(self, records: Iterable[Record]) -> None:
        """Download the object of every record."""
        from xnat_download.objects import opening_of

        def works() -> Iterator[Work]:
            for number, record in enumerate(records):
                if number == 0:
                    # Not before: the tool that prints the records may still ask for a password.
                    self.progress.start(what="download")
                yield Download(self, record, opening_of(record)).start()

        if not self.options.dry_run:
            self.tree.make()
        try:
            Crew(self.options.workers).run(works())
        except BaseException:
            # What has been told as done has its entries, or a later run may put others there.
            with suppress(XNATCtlError):
                self.manifests.write(stopped=True)
            raise
        self.manifests.write()
