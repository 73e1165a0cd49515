"""The command line: docopt-ng behind clear errors, and the options that all tools share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xnat_core.errors import UsageError

if TYPE_CHECKING:
    from docopt import Option

SERVER_OPTIONS = """
Server options:
  -p --profile=<name>    Profile of the configuration file to use.
  --url=<url>            Server to use, instead of the one of a profile.
  -u --username=<name>   Log in as this user.
  --password=<text>      For old scripts only: everybody on this machine can read it.
  --password-stdin       Read the password from the first line of standard input.
  --max-connections=<n>  Connections to the server at once, of all processes of this user that say
                         so; or max_connections of the profile. No limit otherwise.
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
  --max-items=<n>        Begin at most so many objects.
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
    the table, `identifier` is what `--quiet` prints. `layout` is `table` for many records, `facts`
    for one. `listing` adds the list options, `bounded` those of `Job.within_bounds`. `aliases` maps
    a retired spelling to what stands for it now: `{"--unzip": ("--extract",), "--archive-format":
    ("--mode",)}`; an empty tuple drops it.
    """

    module: str
    work: str = "work"
    server: bool = True
    listing: bool = False
    bounded: bool = False
    layout: str = "table"
    columns: tuple[str, ...] = ()
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

    def path(self, name: str) -> Path | None:
        """A local path with `~` expanded, or None when it was not given."""
        value = self.text(name)
        return None if value is None else Path(value).expanduser()

    def choice(self, name: str, choices: Sequence[str]) -> str | None:
        """One of `choices`, or None when it was not given."""
        value = self.text(name)
        if value is not None and value not in choices:
            raise UsageError(f"{name} {value}: must be one of {', '.join(choices)}")
        return value

    def only_one(self, *names: str) -> None:
        """Refuse options that exclude each other."""
        given = [name for name in names if self._words[name]]
        if len(given) > 1:
            raise UsageError(f"{' and '.join(given)} exclude each other")


def parse(manual: str, words: Sequence[str], command: Command) -> tuple[Args, list[str]]:
    """Parse `words` by `manual`; also the warnings that retired spellings earn.

    Raises UsageError with one line: options must be spelled in full, and a value option that is not
    repeatable may be given once.
    """
    from docopt import (
        DocoptExit,
        DocoptLanguageError,
        docopt,
        parse_docstring_sections,
        parse_options,
    )

    manual = _grammar(manual)
    separator = "" if " -- " in manual.partition("Options:")[0] else " [--]"
    manual = manual.replace("[options]", _repeatable(command) + separator, 1)
    sections = parse_docstring_sections(manual)
    options = parse_options(sections.after_usage)
    plain, warnings = _modern(words, command.aliases, options)
    checked = _checked(plain, options, sections.usage_body)
    try:
        parsed = docopt(manual, checked, default_help=False)
    except (DocoptExit, DocoptLanguageError):
        raise UsageError(_misfit(checked, options, sections.usage_body)) from None
    _refuse_empty_names(parsed)
    return Args(parsed), warnings


def split_verb(
    words: Sequence[str], verbs: Sequence[str], valued: frozenset[str]
) -> tuple[str | None, list[str]]:
    """Find the verb, which may be two words, behind leading shared options.

    Returns the verb, or None, and all other words in their order. `valued` are the options that
    may stand before the verb and take the next word as their value.
    """
    leading: list[str] = []
    rest = list(words)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        leading.append(rest.pop(0))
        if leading[-1] in valued and rest:
            # Behind the verb the letter may stand for an option of that verb alone.
            leading[-1] = _SPELLED.get(leading[-1], leading[-1])
            leading.append(rest.pop(0))
    for length in (2, 1):
        verb = " ".join(rest[:length])
        if verb in verbs and len(rest) >= length:
            return verb, leading + rest[length:]
    return None, leading + rest


VALUED_BEFORE_VERB = frozenset(
    (
        "-p",
        "--profile",
        "--url",
        "-u",
        "--username",
        "--password",
        "-o",
        "--output",
        "--where",
        "--max-connections",
    )
)

_SPELLED = {"-p": "--profile", "-u": "--username", "-o": "--output"}


def nearest(word: str, known: Sequence[str]) -> str:
    """`; did you mean …?`, or nothing when nothing is near."""
    from difflib import get_close_matches

    near = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def _nearest_option(name: str, known: Iterable[str]) -> str:
    # Without the dashes, which make every option look like every other.
    longer = [option[2:] for option in known if option.startswith("--")]
    return nearest(name[2:], sorted(longer)).replace("mean ", "mean --")


def _grammar(manual: str) -> str:
    """Usage and options alone: prose whose line happens to begin with a dash is no option."""
    kept: list[str] = []
    keeping = False
    for line in manual.splitlines():
        if line and not line[0].isspace():
            keeping = line.lower().endswith(("usage:", "options:"))
        if keeping:
            kept.append(line)
    return "\n".join(kept) + "\n"


def _without_letters_of(doc: str, shared: str) -> str:
    """The shared options without the letters that a command needs for options of its own."""
    letters = re.findall(r"^  (-\w) --", doc, re.MULTILINE)
    for letter in letters:
        shared = re.sub(rf"^  {letter} (--\S+)", r"  \1   ", shared, flags=re.MULTILINE)
    return shared


def _repeatable(command: Command) -> str:
    more = " [--filter=<test>]..." if command.listing else ""
    return f"[options] [--where=<test>]...{more}"


def _modern(
    words: Sequence[str], aliases: Mapping[str, tuple[str, ...]], options: Sequence[Option]
) -> tuple[list[str], list[str]]:
    """Replace retired spellings; an alias and its new option may be given together."""
    plain: list[str] = []
    warnings: list[str] = []
    for position, word in enumerate(words):
        if word == "--":
            return plain + list(words[position:]), warnings
        name, equals, value = word.partition("=")
        if name not in aliases:
            plain.append(word)
            continue
        modern = aliases[name]
        if not modern:
            warnings.append(f"{name} has no effect any more")
            continue
        warnings.append(f"{name} is an old name for {' '.join(modern)}")
        plain.extend(modern[:-1])
        plain.append(modern[-1] + equals + value)
    return plain, warnings


def _checked(words: Sequence[str], options: Sequence[Option], usage: str) -> list[str]:
    """Refuse unknown and abbreviated options and doubled values; drop doubled switches."""
    by_name = {name: o for o in options for name in (o.short, o.longer) if name}
    seen: dict[str, str | None] = {}
    checked: list[str] = []
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if word == "--":
            return [*checked, word, *queue]
        if not word.startswith("-") or word == "-":
            checked.append(word)
            continue
        for name, value in _named(word, by_name):
            option = by_name[name]
            key = option.longer or option.short or name
            if option.argcount and value is None:
                if not queue:
                    raise UsageError(f"{name} needs a value")
                value = queue.pop(0)
            repeatable = re.search(rf"\[{re.escape(key)}=[^\]]*\]\.\.\.", usage)
            if key in seen and not repeatable:
                if option.argcount and seen[key] != value:
                    raise UsageError(f"{key} is given twice")
                continue
            seen[key] = value
            checked.append(key if value is None else _joined(key, value))
    return checked


# Those that say what is worked on, where, and as whom.
_NAMES = frozenset(
    (
        "--project",
        "--subject",
        "--experiment",
        "--scan",
        "--profile",
        "--url",
        "--username",
        "--out",
        "--dest-profile",
        "--dest-project",
        "--dest-url",
        "--dest-user",
    )
)
_MAY_BE_EMPTY = frozenset(("<value>", "<command>"))


def _refuse_empty_names(parsed: Mapping[str, Any]) -> None:
    """A variable that a script forgot to set must not turn the work to something else.

    Without the session a resource would go to the project, without the project to the default one.
    """
    for name, value in parsed.items():
        names = name in _NAMES or (name.startswith("<") and name not in _MAY_BE_EMPTY)
        if names and (value == "" or (isinstance(value, list) and "" in value)):
            raise UsageError(f"{name} may not be empty")


def _joined(key: str, value: str) -> str:
    return f"{key}={value}" if key.startswith("--") else key + value


def _named(word: str, by_name: Mapping[str, Option]) -> list[tuple[str, str | None]]:
    """The options in one word: `--name=value`, `--name`, or a bundle of short ones."""
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        if name not in by_name:
            raise UsageError(f"unknown option {name}{_nearest_option(name, by_name)}")
        if equals and not by_name[name].argcount:
            raise UsageError(f"{name} takes no value")
        return [(name, value if equals else None)]
    found: list[tuple[str, str | None]] = []
    for position in range(1, len(word)):
        name = "-" + word[position]
        if name not in by_name:
            raise UsageError(f"unknown option {name}")
        rest = word[position + 1 :]
        if by_name[name].argcount:
            return [*found, (name, rest.removeprefix("=") or None)]
        found.append((name, None))
    return found


def _misfit(words: Sequence[str], options: Sequence[Option], usage: str) -> str:
    pattern = " ".join(usage.strip().splitlines()[0].split())
    pattern = pattern.replace(" [--where=<test>]...", "").replace(" [--filter=<test>]...", "")
    pattern = pattern.replace(" [--]", "")
    given = sum(1 for word in words if not word.startswith("-") or word == "-")
    least = sum(1 for word in pattern.split()[1:] if not word.startswith("["))
    what = "an argument is missing" if given < least else "the arguments do not fit"
    literal = re.sub(r"\[-[^\]]*\]|-\S+=<\S*", "", usage)
    extra = next((w for w in words if not w.startswith("-") and w not in literal.split()), None)
    if "<" not in literal and extra is not None:
        what = f"unexpected argument {extra!r}"
    return f"{what}: {pattern}"
