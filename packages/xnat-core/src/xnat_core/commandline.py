"""What a command line is made of: the options that all tools share, and the words given."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xnat_core.errors import ConfigurationError, UsageError
from xnat_core.user_paths import expanded

SERVER_OPTIONS = """
Server options:
  -p --profile=<name>    Profile of the configuration file to use.
  --url=<url>            Server to use, instead of the one of a profile.
  -u --username=<name>   Log in as this user.
  --password=<text>      For old scripts only: everybody on this machine can read it.
  --password-stdin       Read the password from the first line of standard input.
  --max-connections=<n>  Connections to the server at once, of all processes of this user that say
                         so; or max_connections of the profile. No limit otherwise.
  --reason=<text>        Why something is changed, for the history that the server keeps; or reason
                         of the profile. Some sites refuse changes without one.
"""
LIST_OPTIONS = """
List options:
  --sort-by=<key>        Sort by this key; KEY:desc sorts downwards.
  --limit=<n>            Stop after this many.
  --filter=<test>        KEY:GLOB, all must hold. Repeatable.
"""
BOUND_OPTIONS = """
Bound options:
  --max-bytes=<size>     Begin nothing new when so many bytes were moved: 500M, 20G, 2Ti.
  --max-items=<n>        Begin at most so many objects; what is there already does not count.
  --max-duration=<time>  Begin nothing new after this time: 90s, 45m, 3h30m. What is under way
                         stops behind the file or request that has begun, to be completed by the
                         same command. What is left is 'skipped' with a 'reason', and no failure.
"""
COMMON_OPTIONS = """
Common options:
  -o --output=<format>   ndjson, json, table or tsv (a terminal gets a table, a pipe ndjson).
  -q --quiet             Print identifiers only, one per line; no progress, no summary.
  -v --verbose           Tell on standard error what is being done.
  --where=<test>         Print only what passes: KEY=VALUE, KEY!=VALUE, KEY~REGEX, KEY<VALUE,
                         KEY>VALUE, KEY<=VALUE, KEY>=VALUE. Repeatable, all must hold.
  --columns=<keys>       Keys to show in a table or tsv, separated by commas.
  --no-headers           No header line in a table or tsv.
  --no-color             No colour.
  -h --help              Show this help.
  --version              Show the version.
"""


@dataclass(frozen=True)
class Command:
    """One thing a tool can do, and how its output looks.

    `module` holds the docstring (manual and parser) and the function `work`. `columns` are those of
    the table, `widest` says how wide some may be, `identifier` is what `--quiet` prints. `layout`
    is `table` for many records, `facts` for one. `listing` adds the list options, `bounded` those
    of `Job.within_bounds`. `changes` says that what is there is changed, so `--where` must not look
    like a choice of it. `aliases` maps a retired spelling to what stands for it now:
    `{"--unzip": ("--extract",), "--archive-format": ("--mode",)}`; an empty tuple drops it.
    """

    module: str
    work: str = "work"
    server: bool = True
    listing: bool = False
    bounded: bool = False
    changes: bool = False
    layout: str = "table"
    columns: tuple[str, ...] = ()
    widest: Mapping[str, int] = field(default_factory=dict)
    identifier: str = "id"
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def manual(self, doc: str) -> str:
        """The whole help text: the docstring of the command and the shared options."""
        parts = [doc.rstrip() + "\n"]
        if self.listing:
            parts.append(LIST_OPTIONS)
        if self.bounded:
            parts.append(BOUND_OPTIONS)
        if self.server:
            parts.append(SERVER_OPTIONS)
        parts.append(COMMON_OPTIONS)
        return parts[0] + "".join(_without_letters_of(doc, part) for part in parts[1:])


class Args:
    """The parsed words. A name that the manual does not have is a defect and raises KeyError."""

    def __init__(self, words: Mapping[str, Any]) -> None:
        self._words = words

    def text(self, name: str) -> str | None:
        """One value, or None when it was not given."""
        value = self._words[name]
        return None if value is None else str(value)

    def required(self, name: str) -> str:
        """One value that must have been given and must not be empty."""
        value = self._words[name]
        if not value:
            raise UsageError(f"{name} is needed and may not be empty")
        return str(value)

    def texts(self, name: str) -> tuple[str, ...]:
        """The values of a repeatable option or argument."""
        return tuple(self._words[name] or ())

    def flag(self, name: str) -> bool:
        """Whether a switch was given."""
        return bool(self._words[name])

    def has(self, name: str) -> bool:
        """Whether the manual knows this option or argument."""
        return name in self._words

    @property
    def has_dash(self) -> bool:
        """Whether a word is `-`, which asks for standard input."""
        return any(
            word == "-" or (isinstance(word, list) and "-" in word) for word in self._words.values()
        )

    def number(self, name: str, *, least: float | None = None) -> float | None:
        """A number, or None when it was not given."""
        value = self.text(name)
        if value is None:
            return None
        try:
            number = float(value)
        except ValueError:
            raise UsageError(f"{name} {value}: not a number") from None
        if number != number or (least is not None and number < least):
            raise UsageError(f"{name} {value}: must be at least {least:g}")
        return number

    def whole(self, name: str, *, least: int | None = None) -> int | None:
        """A whole number, or None when it was not given."""
        value = self.text(name)
        if value is None:
            return None
        try:
            number = int(value)
        except ValueError:
            raise UsageError(f"{name} {value}: not a whole number") from None
        if least is not None and number < least:
            raise UsageError(f"{name} {value}: must be at least {least}")
        return number

    def workers(self) -> int | None:
        """`--workers`; None when it was not given, and for a command that has no such option."""
        given = self.text("--workers") if self.has("--workers") else None
        if given is None:
            return None
        from xnat_core.validation import validate_workers

        try:
            return validate_workers(given)
        except ConfigurationError as error:
            raise UsageError(error.message) from None

    def path(self, name: str) -> Path | None:
        """A local path with `~` expanded, or None when it was not given.

        An empty one, which would be the working directory, raises UsageError.
        """
        value = self.text(name)
        if value == "":
            raise UsageError(f"{name} may not be empty")
        return None if value is None else expanded(value)

    def choice(self, name: str, choices: Sequence[str], *, like: str = "") -> str | None:
        """One of `choices`, or None when it was not given; `like` is what it is mistaken for."""
        value = self.text(name)
        if value is not None and value not in choices:
            meant = f"; or was {like} meant?" if like in self._words else ""
            raise UsageError(f"{name} {value}: must be one of {', '.join(choices)}{meant}")
        return value

    def only_one(self, *names: str) -> None:
        """Refuse options that exclude each other."""
        given = [name for name in names if self._words[name]]
        if len(given) > 1:
            raise UsageError(f"{' and '.join(given)} exclude each other")


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean …?`, or nothing when nothing is near, in capitals or not."""
    from difflib import get_close_matches

    names = {name.lower(): name for name in known}
    near = get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    return f"; did you mean {names[near[0]]}?" if near else ""


def _without_letters_of(doc: str, shared: str) -> str:
    """The shared options without the letters that a command needs for options of its own."""
    letters = re.findall(r"^  (-\w) --", doc, re.MULTILINE)
    for letter in letters:
        shared = re.sub(rf"^  {letter} (--\S+)", r"  \1   ", shared, flags=re.MULTILINE)
    return shared
