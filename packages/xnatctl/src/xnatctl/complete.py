"""What can follow the words of a command line, read from the usage texts of the tools."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from xnatctl.aliases import ALIASES, BUILT_IN, NOUNS, TOOLS, VALUED
from xnatctl.completion import SHELLS
from xnatctl.dispatch import Refused, command
from xnatctl.find import find, installed
from xnatctl.manual import OPTIONS, verbs

PROFILES = frozenset(("-p", "--profile", "--dest-profile"))
# "tar, zip or gradual", "MR, PET or CT", "tar|zip|gradual" at the beginning of a description.
CHOICES = re.compile(
    r"([a-z][\w-]*(?:, [a-z][\w-]*)* or [a-z][\w-]*|[A-Z]+(?:, [A-Z]+)+ or [A-Z]+"
    r"|[\w-]+(?:\|[\w-]+)+)(?=[ .;:(]|$)"
)
# What a verb looks like where a manual lists them: two spaces, one or two words, a description.
LISTED = re.compile(r"^  ([a-z][\w-]*(?: [a-z][\w-]*)?)  +(\S.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Option:
    """One option of a usage text."""

    names: tuple[str, ...]
    valued: bool
    choices: tuple[str, ...]
    text: str


def complete(words: list[str]) -> str:
    """The candidates for the last word, one per line, each perhaps with a tab and a description."""
    *typed, current = _joined(words)
    prefix, equals, _ = current.partition("=")
    if equals and prefix.startswith("--"):
        found = {f"{prefix}={value}": text for value, text in _candidates([*typed, prefix], "")}
    else:
        found = dict(_candidates(typed, current))
    if words[-2:-1] == ["="] or words[-1:] == ["="]:
        # bash took the word apart and replaces only what stands behind the sign.
        found = {name.partition("=")[2]: text for name, text in found.items()}
        current = current.partition("=")[2]
    return "".join(
        f"{name}\t{text}\n" if text else f"{name}\n"
        for name, text in found.items()
        if name.startswith(current)
    )


def options(manual: str) -> list[Option]:
    """The options that a manual describes."""
    found = []
    for line in manual.splitlines():
        names, _, text = line.strip().partition("  ")
        if not line.startswith("  ") or not names.startswith("-"):
            continue
        parts = re.split(r"[ ,=]+", names)
        values = [part for part in parts if not part.startswith("-")]
        choices = _choices(values[0].strip("<>") if values else "", text.strip())
        flags = tuple(part for part in parts if part.startswith("-"))
        found.append(Option(flags, bool(values), choices, text.strip()))
    return found


def verbs_in(tool: str, manual: str) -> dict[str, str]:
    """The verbs that a manual names, in its usage lines or in its list of commands, and a word
    about each."""
    usage = manual.partition("Usage:\n")[2].partition("\n\n")[0]
    used = re.findall(rf"^  {re.escape(tool)}((?: [a-z][\w-]*)+)(?= |$)", usage, re.MULTILINE)
    return {verb.strip(): "" for verb in used} | dict(LISTED.findall(manual.replace(usage, "")))


def _joined(words: list[str]) -> list[str]:
    """Undo what bash does to `--output=json`: three words."""
    whole: list[str] = []
    for word in words:
        after_sign = len(whole) > 1 and whole[-1].startswith("--") and whole[-1].endswith("=")
        if (word == "=" and whole and whole[-1].startswith("--")) or after_sign:
            whole[-1] += word
        else:
            whole.append(word)
    return whole


def _candidates(typed: list[str], current: str) -> Iterable[tuple[str, str]]:
    program, arguments = Path(typed[0]).name, typed[1:]
    if program != "xnatctl":
        return _of_tool([program, *arguments], current)
    return _of_xnatctl(arguments, current)


def _of_xnatctl(arguments: list[str], current: str) -> Iterable[tuple[str, str]]:
    places = _places(arguments, options(OPTIONS))
    if places and arguments[places[0]] == "help":
        places = places[1:]
    plain = [arguments[at] for at in places]
    if not plain and arguments and arguments[-1] in VALUED:
        return _values(options(OPTIONS), arguments[-1]) or ()
    if not plain:
        return _flags(options(OPTIONS)) if current.startswith("-") else _first_words().items()
    if plain == ["completion"]:
        return ((shell, "") for shell in SHELLS)
    if plain[0] in NOUNS and len(plain) == 1 and not current.startswith("-"):
        return ((verb, ALIASES[f"{plain[0]} {verb}"]) for verb in verbs(plain[0]))
    at = places[0]
    # An option whose value is still to come is the tool's.
    end = len(arguments) - arguments[-1].startswith("-")
    try:
        return _of_tool([*command(arguments[:at], arguments[at:end]), *arguments[end:]], current)
    except Refused:
        return ()


def _first_words() -> dict[str, str]:
    alone = {name: words for name, words in ALIASES.items() if " " not in name}
    tools = {name.removeprefix("xnat-"): TOOLS.get(name, "") for name in installed()}
    return NOUNS | tools | alone | BUILT_IN


def _of_tool(words: list[str], current: str) -> Iterable[tuple[str, str]]:
    tool, arguments = words[0], words[1:]
    manual = _manual([tool])
    known = verbs_in(tool, manual)
    verb = _verb(_plain(arguments, options(manual)), known)
    if verb is not None:
        manual = _manual([tool, *verb.split()])
    if arguments and (values := _values(options(manual), arguments[-1])) is not None:
        return values
    if current.startswith("-"):
        return _flags(options(manual))
    return () if verb is not None else _next_words(_plain(arguments, options(manual)), known)


def _verb(plain: list[str], known: Mapping[str, str]) -> str | None:
    """The verb, of one or two words, that the words begin with."""
    for length in (2, 1):
        if len(plain) >= length and (verb := " ".join(plain[:length])) in known:
            return verb
    return None


def _next_words(plain: list[str], known: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for verb, text in known.items():
        parts = verb.split()
        if len(parts) > len(plain) and parts[: len(plain)] == plain:
            yield parts[len(plain)], text


def _plain(arguments: list[str], known: list[Option]) -> list[str]:
    """The words that are neither options nor their values."""
    return [arguments[at] for at in _places(arguments, known)]


def _places(arguments: list[str], known: list[Option]) -> list[int]:
    """Where these words stand: the value of an option may be the same word as a noun."""
    valued = {name for option in known if option.valued for name in option.names} | VALUED
    places, skip = [], False
    for at, word in enumerate(arguments):
        if not skip and not word.startswith("-"):
            places.append(at)
        skip = not skip and word in valued
    return places


def _values(known: list[Option], name: str) -> Iterable[tuple[str, str]] | None:
    """The values of an option; None when it is no option, or one without a value."""
    if name in PROFILES:
        return _profiles()
    for option in known:
        if name in option.names and option.valued:
            return ((choice, "") for choice in option.choices)
    return None


def _flags(known: list[Option]) -> Iterator[tuple[str, str]]:
    for option in known:
        yield option.names[-1], option.text


def _choices(placeholder: str, text: str) -> tuple[str, ...]:
    if "|" in placeholder:
        return tuple(placeholder.split("|"))
    match = CHOICES.match(text) if placeholder else None
    return tuple(re.split(r", | or |\|", match[1])) if match else ()


def _profiles() -> Iterator[tuple[str, str]]:
    from xnat_core.config import Config
    from xnat_core.errors import XNATCtlError

    try:
        profiles = Config.of_file().profiles
    except XNATCtlError:
        return
    for name, profile in profiles.items():
        yield name, profile.url


def _manual(words: list[str]) -> str:
    """What the tool prints for `--help`; nothing for a tool of this site, which may not have it."""
    path = find(words[0]) if words[0] in TOOLS else None
    if path is None:
        return ""
    shown = subprocess.run(
        [path, *words[1:], "--help"], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    return shown.stdout
