"""An XNAT to try things on: the archive, its prearchive and its DICOM receiver in one process.

Usage:
  xnat-sandbox serve [options]
  xnat-sandbox run [options] [--] <command>...
  xnat-sandbox samples <folder>
  xnat-sandbox (-h | --help | --version)

`serve` listens until it is interrupted, and its first line of output is its URL. `run` starts a
sandbox of its own on free ports, runs the command with XNAT_URL, XNAT_USER, XNAT_PASS,
XNAT_DICOM_HOST, XNAT_DICOM_PORT and XNAT_DICOM_CALLED_AET set, and XNAT_PROFILE, XNAT_TOKEN and
XNAT_TOKEN_FILE, which would lead it to another server, taken away; then it stops the sandbox.
`samples` needs no server: it writes DICOM files to try uploads with, `generated` (an MR session of
three series) and `real` (small objects of several studies), and prints their paths.

Log in as admin with the password admin.

Options:
  --port=<n>          Port to listen on, 0 for any free one (serve: 8080, run: 0).
  --host=<address>    Address to listen on [default: 127.0.0.1].
  --data=<dir>        Directory to keep the data in; without it they are gone at the end.
  --scp-port=<n>      Port of the DICOM receiver, 0 for any free one (serve: none, run: 0).
  --seed              Begin with demonstration projects.
  --slow              Build and archive received sessions after minutes, as a real XNAT does.
  --server=<version>  Version of XNAT to behave like [default: 1.8.10].
  -h --help           Show this help.
  --version           Show the version.

Exit status: of 'run' that of the command; 1 it could not start; 2 wrong usage; 127 no such command;
130 interrupted; 143 terminated.

Examples:
  xnat-sandbox serve --port 8080 --data ./sandbox --scp-port 8104 --seed
  xnat-sandbox run --seed -- sh -c 'xnat-ls projects'
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import __version__

USAGE, MISSING, READER_GONE = 2, 127, 141


class UsageError(Exception):
    """Words that mean nothing here."""


@dataclass(frozen=True, slots=True)
class Options:
    """The command line, typed and checked."""

    command: tuple[str, ...]
    host: str
    port: int
    scp_port: int | None
    data: Path | None
    seed: bool
    slow: bool
    version: str

    @classmethod
    def of(cls, args: Mapping[str, Any]) -> Options:
        """From the parsed words."""
        running = bool(args["run"])
        return cls(
            command=tuple(args["<command>"]) if running else (),
            host=args["--host"],
            port=_port(args, "--port", 0 if running else 8080) or 0,
            scp_port=_port(args, "--scp-port", 0 if running else None),
            data=_folder(args, "--data") if args["--data"] is not None else None,
            seed=bool(args["--seed"]),
            slow=bool(args["--slow"]),
            version=args["--server"],
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Run xnat-sandbox."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        own = words[: words.index("--")] if "--" in words else words
        if "-h" in own or "--help" in own:
            return _say((__doc__ or "").rstrip())
        if "--version" in own:
            return _say(f"xnat-sandbox {__version__}")
        args = _parsed(words)
        if args["samples"]:
            return _write_samples(_folder(args, "<folder>"))
        options = Options.of(args)
        if options.command[:1] == ("",):
            raise UsageError("<command> may not be empty")
    except UsageError as error:
        return _complain(str(error), USAGE)
    from .serving import run_command, serve

    try:
        return run_command(options) if options.command else serve(options, _say)
    except OSError as error:
        return _complain(_told(error), 1)


def _parsed(words: list[str]) -> Mapping[str, Any]:
    manual = __doc__ or ""
    own = words[: words.index("--")] if "--" in words else words
    known = set(re.findall(r"--[a-z][a-z-]*", manual))
    for word in own:
        # docopt would take any beginning of an option for the whole.
        if word.startswith("--") and word.partition("=")[0] not in known:
            raise UsageError(f"unknown option {word}; see xnat-sandbox --help")
    from docopt import DocoptExit, docopt

    try:
        parsed: Mapping[str, Any] = docopt(manual, words, default_help=False)
    except DocoptExit as error:
        raise UsageError(
            "expected serve, run COMMAND or samples FOLDER; see xnat-sandbox --help"
        ) from error
    return parsed


def _write_samples(folder: Path) -> int:
    from .samples import write_samples

    try:
        return _say("\n".join(str(path) for path in write_samples(folder)))
    except OSError as error:
        return _complain(_told(error), 1)


def _port(args: Mapping[str, Any], name: str, default: int | None) -> int | None:
    text = args[name]
    if text is None:
        return default
    if not text.isdigit() or int(text) > 65535:
        raise UsageError(f"{name}: {text} is no port")
    return int(text)


def _folder(args: Mapping[str, Any], name: str) -> Path:
    # An empty name is a variable that was not set, and would be the working directory.
    if not args[name]:
        raise UsageError(f"{name} may not be empty")
    return Path(args[name])


def _say(text: str) -> int:
    if sys.stdout is None:
        return _complain("standard output is closed", 1)
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except OSError as error:
        # The interpreter's own last flush must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if isinstance(error, BrokenPipeError):
            return READER_GONE  # Nobody is left to read.
        return _complain(f"standard output: {error.strerror}", 1)
    return 0


def _told(error: OSError) -> str:
    return f"{error.filename}: {error.strerror}" if error.filename else str(error)


def _complain(message: str, status: int) -> int:
    if sys.stderr is not None:
        sys.stderr.write(f"xnat-sandbox: {' '.join(message.split())}\n")
    return status
