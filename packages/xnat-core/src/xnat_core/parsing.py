"""From the words of a command line to their meaning: docopt-ng behind clear errors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from xnat_core.commandline import Args, Command, nearest
from xnat_core.errors import UsageError

if TYPE_CHECKING:
    from docopt import Option


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
    plain, warnings = _modern(words, command.aliases)
    checked = _checked(plain, options, sections.usage_body)
    try:
        parsed = docopt(manual, checked, default_help=False)
    except (DocoptExit, DocoptLanguageError):
        raise UsageError(_misfit(checked, sections.usage_body)) from None
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


# Options that may stand before the verb and take the next word as their value.
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
        "--columns",
        "--max-connections",
        "--reason",
    )
)

SWITCHES_BEFORE_VERB = frozenset(
    ("-q", "--quiet", "-v", "--verbose", "--password-stdin", "--no-headers", "--no-color")
)


def behind_shared(words: Sequence[str]) -> list[str]:
    """The words behind the options that may stand before the verb."""
    rest = list(words)
    while rest and (length := _shared(rest[0])):
        rest = rest[length:]
    return rest


def _shared(word: str) -> int:
    """How many words such an option takes; 0 for any other word."""
    if word.startswith("--"):
        name, equals, _ = word.partition("=")
        if name in VALUED_BEFORE_VERB:
            return 1 if equals else 2
        return int(word in SWITCHES_BEFORE_VERB)
    if not word.startswith("-") or word == "-":
        return 0
    for position, letter in enumerate(word[1:], 2):
        if f"-{letter}" in VALUED_BEFORE_VERB:
            return 1 if word[position:] else 2
        if f"-{letter}" not in SWITCHES_BEFORE_VERB:
            return 0
    return 1


_SPELLED = {"-p": "--profile", "-u": "--username", "-o": "--output"}


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


def _repeatable(command: Command) -> str:
    more = " [--filter=<test>]..." if command.listing else ""
    return f"[options] [--where=<test>]...{more}"


def _modern(
    words: Sequence[str], aliases: Mapping[str, tuple[str, ...]]
) -> tuple[list[str], list[str]]:
    """Replace retired options by those of today; returns the words, and a warning for each."""
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
            if key not in seen or _is_repeatable(key, usage):
                checked.append(key if value is None else _joined(key, value))
            elif option.argcount and seen[key] != value:
                raise UsageError(f"{key} is given twice")
            seen[key] = value
    return checked


def _is_repeatable(key: str, usage: str) -> bool:
    return re.search(rf"\[{re.escape(key)}=[^\]]*\]\.\.\.", usage) is not None


# Options that say what is worked on, where, and as whom, or that choose among many objects.
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
        "--label",
        "--for",
        "--check",
        "--study",
        "--modality",
        "--status",
        "--user",
        "--action",
        "--since",
        "--pattern",
    )
)
_MAY_BE_EMPTY = frozenset(("<value>", "<command>"))


def _refuse_empty_names(parsed: Mapping[str, Any]) -> None:
    """Raise UsageError for an object whose name is empty: a variable that a script forgot to set.

    The work would go elsewhere: without the session a resource would go to the project, without
    the project to the default one.
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
            # `-P=` has a value, and it is empty: the next word is not meant.
            return [*found, (name, rest.removeprefix("=") if rest else None)]
        found.append((name, None))
    return found


def _misfit(words: Sequence[str], usage: str) -> str:
    """What is wrong with words that fit no pattern, and the first pattern."""
    pattern = " ".join(usage.strip().splitlines()[0].split())
    for common in (" [--where=<test>]...", " [--filter=<test>]...", " [--]"):
        pattern = pattern.replace(common, "")
    # What is left of the patterns without their options: verbs and places for arguments.
    expected = re.sub(r"\[-[^\]]*\]|-\S+=<\S*", "", usage)
    given = [word for word in words if not word.startswith("-") or word == "-"]
    extra = [word for word in given if word != "-" and word not in expected.split()]
    if extra and "<" not in expected:
        return f"unexpected argument {extra[0]!r}: {pattern}"
    least = [word for word in pattern.split()[1:] if not word.startswith("[")]
    missing = len(given) < len(least)
    return f"{'an argument is missing' if missing else 'the arguments do not fit'}: {pattern}"
