"""Where every tool begins and ends: words in, exit status out.

Only this module parses, prints help, turns signals into statuses and decides what is a defect.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from xnat_core.commandline import Args, Command, nearest
from xnat_core.console import Console
from xnat_core.errors import (
    DONE,
    GENERAL,
    INTERRUPTED,
    READER_GONE,
    TERMINATED,
    USAGE,
    UsageError,
    XNATCtlError,
    explain,
)
from xnat_core.parsing import VALUED_BEFORE_VERB, behind_shared, parse, split_verb
from xnat_core.signals import Signals, Terminated

if TYPE_CHECKING:
    from xnat_core.job import Job

__all__ = ["Command", "run"]


def run(
    tool: str,
    version: str,
    doc: str | None,
    commands: Mapping[str, Command],
    argv: Sequence[str] | None = None,
) -> int:
    """Run the command that the words name and return the exit status.

    `commands` maps a verb (one or two words) to its command; `doc` is the manual of the whole tool,
    shown when no verb is given. The module of a verb is imported only when it is called. The verb
    "" is the command that runs when the words begin with an option, or are none; its module is the
    one with `doc`.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    console = Console(tool)
    try:
        with Signals():
            return _run(tool, version, doc or "", commands, words, console)
    except UsageError as error:
        console.error(error.message)
        return USAGE
    except XNATCtlError as error:
        console.error(error.message)
        return error.exit_status
    except BrokenPipeError:
        _abandon_output()
        return READER_GONE
    except (KeyboardInterrupt, Terminated) as stop:
        _abandon_output()
        return INTERRUPTED if isinstance(stop, KeyboardInterrupt) else TERMINATED
    finally:
        if argv is None:
            # The process ends: looking for cycles among all its objects first would be a tenth of
            # a short command.
            gc.freeze()


def _run(
    tool: str,
    version: str,
    doc: str,
    commands: Mapping[str, Command],
    words: list[str],
    console: Console,
) -> int:
    verb, rest = split_verb(words, [verb for verb in commands if verb], VALUED_BEFORE_VERB)
    if verb is None and "" in commands and _may_do_without_verb(rest):
        verb = ""
    if verb is None:
        return _without_verb(tool, version, doc, commands, rest)
    options = rest[: rest.index("--")] if "--" in rest else rest
    second = rest[0] if rest else "-"
    if (group := _seconds(commands, verb)) and not second.startswith("-"):
        raise _unknown(verb, second, group)
    if "--version" in options:
        return _show(f"{tool} {version}\n", console)
    command = commands[verb]
    module = import_module(command.module)
    manual = command.manual(module.__doc__ or "")
    if "--help" in options or "-h" in options:
        return _show(manual, console)
    try:
        args, warnings = parse(manual, [*verb.split(), *rest], command)
    except UsageError as error:
        raise _with_help(error, tool, verb) from None
    for warning in warnings:
        console.warning(warning)
    return _work(tool, verb, command, module, args)


def _with_help(error: UsageError, tool: str, verb: str) -> UsageError:
    """The same error with a hint at the manual of the command."""
    named = f"{tool} {verb}".rstrip()
    return UsageError(f"{error.message} ('{named} --help' explains)")


def _may_do_without_verb(words: list[str]) -> bool:
    return not words or (words[0].startswith("-") and words[0] != "-")


def _without_verb(
    tool: str, version: str, doc: str, commands: Mapping[str, Command], words: list[str]
) -> int:
    """Show what the words ask for of the tool as a whole. Raises UsageError for anything else."""
    words = behind_shared(words)
    first = words[0] if words else ""
    if first == "--version":
        return _show(f"{tool} {version}\n", Console(tool))
    if first in ("--help", "-h", "help"):
        return _show(doc.rstrip() + "\n", Console(tool))
    known = ", ".join(verb for verb in commands if verb)
    if not first:
        raise UsageError(f"a command is missing: {known} ('{tool} --help' explains)")
    if first.startswith("-"):
        if {verb.partition(" ")[0] for verb in commands} & set(words[1:]):
            first += " before the command; options of one command stand behind it"
        raise UsageError(f"unknown option {first} ('{tool} --help' explains)")
    group = _seconds(commands, first)
    if not group:
        raise UsageError(f"unknown command {first!r}{nearest(first, list(commands))}: {known}")
    second = words[1] if len(words) > 1 else ""
    if second in ("--help", "-h"):
        return _show(doc.rstrip() + "\n", Console(tool))
    if not second:
        raise UsageError(f"{first} needs a command: {', '.join(group)}")
    raise _unknown(first, second, group)


def _seconds(commands: Mapping[str, Command], first: str) -> list[str]:
    """What may follow the first word of verbs that are two words; empty for any other word."""
    return [verb.split()[1] for verb in commands if verb.startswith(f"{first} ")]


def _unknown(first: str, second: str, group: list[str]) -> UsageError:
    return UsageError(
        f"unknown command '{first} {second}'{nearest(second, group)}: {', '.join(group)}"
    )


def _work(tool: str, verb: str, command: Command, module: ModuleType, args: Args) -> int:
    """Run a command to its end, whatever that is, and return the exit status."""
    from xnat_core.job import Job
    from xnat_core.stdout import OutputError

    job = Job(tool, command, args)
    if args.flag("--verbose") or os.environ.get("XNATCTL_DEBUG"):
        from xnat_core.logging import setup_logging

        setup_logging(verbose=True)
    if sys.stdout is None:
        raise OutputError("standard output is closed")
    try:
        _emit_all(job, getattr(module, command.work))
        return job.finish()
    except UsageError as error:
        job.close()
        if "writer" in vars(job):  # An array that was begun must be ended.
            _tell_next(job, None)
        raise _with_help(error, tool, verb) from None
    except OutputError:
        _abandon_output()
        raise
    except XNATCtlError as error:
        return _stopped(job, error)
    except (KeyboardInterrupt, Terminated) as stop:
        _interrupted(job, stop)
        raise
    except BrokenPipeError:
        raise
    except Exception as defect:
        return _defect(job, defect)
    finally:
        with contextlib.suppress(Exception):
            job.close()


def _emit_all(job: Job, work: Callable[[Job], Any]) -> None:
    """Write each record as it comes. A system error of the work becomes one of this project."""
    from xnat_core.job import Enough

    try:
        records = work(job)
        with contextlib.closing(records), contextlib.suppress(Enough):
            for record in records:
                job.emit(record)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise explain(error) from error


def _stopped(job: Job, error: XNATCtlError) -> int:
    """Tell why the work cannot go on, and what was done until then."""
    job.stop_drawing()
    job.console.error(error.message)
    _tell_next(job, error)
    if summary := job.tally.summary():
        job.console.info(f"stopped: {summary}")
    return error.exit_status


def _tell_next(job: Job, error: XNATCtlError | None) -> None:
    """Write a last record by which the next tool of a pipeline learns that more was to come, and
    end the output."""
    if job.has_written_bytes:
        return  # What is no record may be half a line, and is what its reader asked for.
    from xnat_core.records import failed
    from xnat_core.writers import Ndjson, Sorted

    try:
        writer = job.writer.released() if isinstance(job.writer, Sorted) else job.writer
        if error is not None and isinstance(writer, Ndjson):
            writer.write(failed({"kind": "failure", "tool": job.tool}, error))
        writer.close()
    except OSError:
        _abandon_output()
    except XNATCtlError:
        pass  # The writer could not be made: the configuration asks for a format that there is not.


def _interrupted(job: Job, stop: BaseException) -> None:
    """Tell that a signal has ended the work, and what was done until then."""
    from xnat_core.terminal import leave

    leave()
    how = "interrupted" if isinstance(stop, KeyboardInterrupt) else "terminated"
    summary = job.tally.summary()
    done = f": {summary}" if summary else ""
    job.close()
    job.console.error(f"{how}{done}; the same command takes up what is left")


def _defect(job: Job, defect: Exception) -> int:
    """Tell of an exception that nobody foresaw, with its trace only where `--verbose` asks."""
    import traceback

    where = traceback.extract_tb(defect.__traceback__)[-1]
    told = f"a defect in this tool: {type(defect).__name__}: {defect}"
    with contextlib.suppress(Exception):
        job.stop_drawing()
    job.console.error(f"{told} ({where.name}, line {where.lineno}); -v shows more")
    with contextlib.suppress(Exception):
        _tell_next(job, XNATCtlError(told))
    if job.args.flag("--verbose"):
        traceback.print_exception(defect)
    return GENERAL


def _show(text: str, console: Console) -> int:
    if sys.stdout is None:
        console.error("standard output is closed")
        return GENERAL
    if sys.stdout.isatty():
        from shutil import get_terminal_size

        from xnat_core.folding import folded

        text = folded(text, get_terminal_size().columns)
    if encoding := sys.stdout.encoding:
        # Latin-1 has no ellipsis.
        text = text.encode(encoding, "replace").decode(encoding)
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _abandon_output()
        console.error(f"standard output: {error.strerror}")
        return GENERAL
    return DONE


def _abandon_output() -> None:
    """Point standard output at nothing, so that the interpreter's last flush cannot fail."""
    with contextlib.suppress(Exception):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)
