"""What a command works with: its words, its server, its input, its output.

A tool never prints, exits or opens a connection by itself; it asks the job.
"""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

from xnat_core.asked_keys import AskedKeys
from xnat_core.bounds import BoundReached, Bounds
from xnat_core.commandline import Args, Command
from xnat_core.console import Console
from xnat_core.errors import CancelledError, UsageError, explain
from xnat_core.job_input import JobInput
from xnat_core.job_server import JobServer
from xnat_core.records import (
    Record,
    Test,
    failed,
    failure_text,
    glob,
    of_dry_run,
    record_of,
    skipped,
    where,
)
from xnat_core.stdout import end_output, output_error, put_bytes, writer_of
from xnat_core.tally import Tally
from xnat_core.writers import FORMATS, Facts, Sorted, Table, Writer

if TYPE_CHECKING:
    from xnat_core.client import XNATClient
    from xnat_core.config import Profile
    from xnat_core.progress import Progress
    from xnat_core.targets import Target

T = TypeVar("T")


class Enough(Exception):
    """`--limit` is reached: the rest need not be made."""


class Job:
    """One run of one command."""

    def __init__(self, tool: str, command: Command, args: Args) -> None:
        self.tool = tool
        self.command = command
        self.args = args
        self.quiet = args.flag("--quiet")
        self.console = Console(tool, quiet=self.quiet)
        self.has_written_bytes = False
        self.tally = Tally()
        self.layout = command.layout
        self._tests: list[Test] = [where(text) for text in args.texts("--where")]
        self._asked = AskedKeys(args, command)
        self._has_rows = command.listing or bool(command.columns)
        self._limit: int | None = None
        self._is_dry = args.has("--dry-run") and args.flag("--dry-run")
        if command.listing:
            self._tests += [glob(text) for text in args.texts("--filter")]
            self._limit = args.whole("--limit", least=0)
        self._sorted = command.listing and args.text("--sort-by")
        self.bounds = Bounds.of(args) if command.bounded else Bounds()
        self._written = 0
        self._lock = threading.RLock()
        self._progress: Progress | None = None
        # What is wrong with these words is told once, before any object is looked at.
        self._workers = args.workers()
        self._server = JobServer(args, self.console, partial(self._ask, secret=True))
        args.choice("--output", FORMATS, like="--out")

    # --- the server ---------------------------------------------------------------------------

    @property
    def target(self) -> Target:
        """Server, login and settings of this run; raises ConfigurationError when there is none."""
        return self._server.target

    def log_in_as(self, username: str) -> None:
        """Use this user where the command line, environment and profile name none."""
        self._server.log_in_as(username)

    @property
    def profile(self) -> Profile:
        """The settings of the profile in use, the environment applied."""
        return self.target.profile

    def client(self, record: Record | None = None, *, threads: int | None = None) -> XNATClient:
        """The one client of this run, connected on first use.

        `record` is an input record: when neither `--url` nor `--profile` was given, the first one
        decides the server. `threads` is how many will use it at once, where that is not the number
        of workers. Raises RecordError for a record of another server.
        """
        if record is not None and record.get("server"):
            self._server.require(str(record["server"]))
        return self._server.client(lambda: threads or self.workers)

    @property
    def workers(self) -> int:
        """`--workers`, else the profile's, else 4 (for work that has the option)."""
        from xnat_core.validation import DEFAULT_WORKERS, validate_workers

        if self._workers is not None:
            return self._workers
        if self.command.server:
            return validate_workers(self.profile.workers)
        return DEFAULT_WORKERS

    def project(self) -> str | None:
        """`--project`, else the default project of the profile."""
        return self.args.text("--project") or self.profile.default_project

    def required_project(self) -> str:
        """The project; raises UsageError naming both remedies."""
        project = self.project()
        if not project:
            raise UsageError("a project is needed: -P PROJECT, or default_project in the profile")
        return project

    # --- input --------------------------------------------------------------------------------

    def records(self, *kinds: str) -> Iterator[Record]:
        """The records of standard input that this command can act on, as they come.

        Failed records, those of a dry run, and those that a bound has left, are handed on
        unchanged; lines that are no records, and records of other kinds or of another server,
        become failed ones. Raises UsageError where nothing can come.
        """
        source = JobInput(self.tool, kinds, self._server if self.command.server else None)
        source.require(is_asked_for=self.args.has_dash)
        # When nothing comes, an empty list is the answer.
        self._has_rows = True
        if sys.stdin.isatty():
            self.console.info(
                f"waiting for {' or '.join(kinds)} records, one JSON object a line; "
                "Ctrl-C ends, and --help tells how to name an object"
            )
        # With --password-stdin it is the line before the first record.
        _ = self._server.password
        yield from source.records(self.emit)

    def wants_input(self, *named: Any, optional: bool = False) -> bool:
        """Whether standard input is to be read.

        So it is when an object is named `-`; and when none is named, unless objects are optional
        for this command (cron gives every job a pipe, so that alone says nothing).
        """
        given = [name for name in named if name]
        return any(name in ("-", ("-",)) for name in given) or (not given and not optional)

    # --- work ---------------------------------------------------------------------------------

    def within_bounds(
        self, items: Iterable[T], record: Callable[[T], Record] | None = None
    ) -> Iterator[T]:
        """The items that may still be begun; the rest become `skipped` records with a `reason`.

        For commands that are `bounded`. `record` makes the record of an item that is none.
        """
        for item in items:
            reason = self.bounds.admit()
            if reason is None:
                yield item
            else:
                self.emit(skipped(record(item) if record else record_of(item), reason=reason))

    def each(
        self,
        function: Callable[[T], Iterable[Record]],
        items: Iterable[T],
        workers: int = 0,
        *,
        ordered: bool = False,
    ) -> Iterator[Record]:
        """Call `function` on every item in parallel and yield its records as they complete.

        `ordered` yields them in the order of the items: a listing must not depend on who answers
        first.

        At most twice `workers` items are in flight, and `items` is read only as far. A function
        that raises an XNATCtlError gives a failed record of its item, which is a record or offers
        one as `record`; a BoundReached gives a skipped one.
        """
        from xnat_core.parallel import bounded_map

        def whole(item: T) -> list[Record]:
            try:
                return list(function(item))
            except BrokenPipeError:
                raise
            except OSError as error:
                raise explain(error) from error

        # The first record tells the server, and so the profile with the number of workers.
        rest = iter(items)
        first = list(itertools.islice(rest, 1))
        if not first:
            return
        everything = itertools.chain(first, rest)
        for outcome in bounded_map(
            whole, everything, workers=workers or self.workers, ordered=ordered
        ):
            if isinstance(outcome.error, BoundReached):
                yield outcome.error.left(record_of(outcome.item))
            elif outcome.error is not None:
                yield failed(record_of(outcome.item), outcome.error)
            else:
                yield from outcome.value or ()

    @property
    def progress(self) -> Progress:
        """The progress reporter; it draws only on a terminal, not with `--quiet` and not in CI."""
        if self._progress is None:
            from xnat_core.progress import reporter

            # Several workers may ask first, and `cached_property` has no lock since Python 3.12.
            with self._lock:
                if self._progress is None:
                    progress = reporter(self.quiet)
                    self.console.through(progress.note)
                    self._progress = progress
        return self._progress

    def ask(self, question: str) -> str | None:
        """A line typed on the terminal; None when there is no terminal."""
        return self._ask(question, secret=False)

    def confirm(self, question: str) -> None:
        """Ask before something is destroyed; `--yes` answers.

        The terminal is asked, never standard input, which carries records. Raises CancelledError
        on any answer but yes, UsageError when there is no terminal.
        """
        if self.args.flag("--yes"):
            return
        answer = self._ask(f"{question} [y/N] ", secret=False)
        if answer is None:
            raise UsageError("this needs --yes: there is no terminal to ask on")
        if answer.strip().lower() not in ("y", "yes"):
            raise CancelledError("cancelled: nothing was changed")

    # --- output -------------------------------------------------------------------------------

    def emit(self, record: Record, *, passed: bool = False) -> None:
        """Write one record, count it, and tell of its failure unless the tool before did."""
        if self._is_dry and not passed:
            record = of_dry_run(record)
        outcome = record.get("outcome")
        with self._lock:
            if outcome is not None:
                self.tally.count(record)
                self.bounds.used(record)
            if outcome == "failed":
                if not passed:
                    self.console.error(failure_text(record))
            elif self._asked.are_any and not self._passes(record, passed):
                return
            elif self._limit is not None and self._written >= self._limit and not self._sorted:
                raise Enough
            else:
                self._written += 1
            self._write(record)

    def _passes(self, record: Record, passed: bool) -> bool:
        self._asked.see(record)
        if self._tests and not all(test(record) for test in self._tests):
            return False
        if not passed:
            self._asked.require_known(record)
        return True

    def _write(self, record: Record) -> None:
        try:
            if self._progress and sys.stdout.isatty():
                with self._progress.aside():
                    self.writer.write(record)
            else:
                self.writer.write(record)
        except OSError as error:
            raise output_error(error) from None

    def write_bytes(self, block: bytes) -> None:
        """Write bytes of an answer that is no record, a file for one, as they are."""
        with self._lock:
            self._written += 1
            self.has_written_bytes = True
            put_bytes(block)

    @cached_property
    def writer(self) -> Writer:
        """The writer of the format asked for, opened at the first record."""
        writer = writer_of(self.args, self.command, self.layout)
        return Sorted(writer, self._sorted, self._limit) if self._sorted else writer

    def finish(self) -> int:
        """Close output, tell how it went, and give the exit status."""
        self.stop_drawing()
        has_writer = self._written == 0 or "writer" in self.__dict__
        end_output(self.writer if has_writer else None)
        self.close()
        self._tell_why_little_came()
        self._tell_what_was_done()
        return self.tally.ending()

    def _tell_why_little_came(self) -> None:
        if hint := self._asked.hint(self._written):
            self.console.info(hint)
        elif self._has_rows and not self.tally.outcomes and not self._written and self.for_people:
            self.console.info("nothing found")

    def _tell_what_was_done(self) -> None:
        summary = self.tally.summary()
        # The facts of a single object, once printed, say already that it is done.
        is_said = self.tally.is_one_plain_success() and isinstance(self.writer, Facts)
        if summary and not is_said and (self.console.is_terminal() or self.tally.failed):
            self.console.info(summary)

    def close(self) -> None:
        """Stop drawing and leave the server; never raises for a server that is gone."""
        self.stop_drawing()
        self._server.close()

    def stop_drawing(self) -> None:
        """Take the progress away; what is written then need not stand above it."""
        if self._progress is not None:
            self.console.through(None)
            self._progress.close()

    @property
    def for_people(self) -> bool:
        """Whether a person will read the output as it is, not a program."""
        return isinstance(self.writer, (Table, Facts))

    def _ask(self, question: str, *, secret: bool) -> str | None:
        from xnat_core.terminal import ask

        if self._progress is not None:
            self._progress.close()
        return ask(question, secret=secret)
