"""xnatctl: find the tool that a command means, and become it.

Starts in a few milliseconds over a bare Python, because every command of every pipeline pays for
it: nothing beyond `os` and `sys` is imported before the tool takes over.
"""

from __future__ import annotations

import os
import sys

from xnatctl import __version__
from xnatctl.aliases import ALIASES, BUILT_IN, ELSEWHERE, NOUNS, SWITCHES, TOOLS, TRANSPORTS, VALUED
from xnatctl.find import find, installed

TYPE_CHECKING = False  # the one of `typing` costs as much as all the rest here
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import NoReturn

FAILED, USAGE, CANNOT_EXECUTE, NO_SUCH_TOOL, INTERRUPTED, READER_GONE = 1, 2, 126, 127, 130, 141


class Refused(Exception):
    """One line for standard error, and the exit status."""

    def __init__(self, message: str, status: int = USAGE) -> None:
        super().__init__(message)
        self.status = status


def main(argv: Sequence[str] | None = None) -> int:
    """Run xnatctl."""
    try:
        text = answer(sys.argv[1:] if argv is None else list(argv))
        if sys.stdout is None:
            raise Refused("standard output is closed", FAILED)
        sys.stdout.write(text)
        sys.stdout.flush()
    except Refused as refused:
        return _stop(str(refused), refused.status)
    except BrokenPipeError:
        _forget_output()
        return READER_GONE
    except OSError as error:
        _forget_output()
        return _stop(f"standard output: {error.strerror}", FAILED)
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def answer(words: list[str]) -> str:
    """The text that `xnatctl` itself prints. For the commands of the tools it does not return."""
    before, rest = _split(words)
    first, arguments = (rest[0], rest[1:]) if rest else ("", [])
    if first in ("-h", "--help"):
        return _manual()
    if first == "--version":
        return f"xnatctl {__version__}\n"
    if not first and (shell := _shell_that_asks()):
        return _completion([shell])
    if not first:
        raise Refused("no command given: 'xnatctl --help' lists them")
    if first == "help":
        return _help(arguments)
    if first == "tools":
        return _tools(arguments)
    if first == "completion":
        return _completion(arguments)
    if first == "__complete":
        return _complete(arguments)
    if first in NOUNS and arguments[:1] in (["-h"], ["--help"]):
        return _manual(first)
    execute(command(before, rest))


def command(before: list[str], rest: list[str]) -> list[str]:
    """The tool and its arguments that the words stand for."""
    first, arguments = rest[0], rest[1:]
    if first in ALIASES:
        return [*ALIASES[first].split(), *before, *arguments]
    if words := ELSEWHERE.get(" ".join(rest[:2])):
        return [*words.split(), *before, *rest[2:]]
    if first in NOUNS:
        between, behind = _split(arguments)
        name = f"{first} {behind[0]}" if behind else first
        if name in ALIASES:
            words, left = ALIASES[name], behind[1:]
            if name == "session upload":
                words, left = _by_transport(left)
            return [*words.split(), *before, *between, *left]
        if f"xnat-{first}" not in TOOLS:
            raise Refused(_wrong_verb(first, behind))
    return [f"xnat-{first}", *before, *arguments]


def execute(words: list[str]) -> NoReturn:
    """Become the tool: its exit status, signals and terminal are its own."""
    tool = words[0]
    path = None if "/" in tool else find(tool)
    if path is None:
        raise Refused(_missing(tool), NO_SUCH_TOOL)
    try:
        os.execv(path, [path, *words[1:]])
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}", CANNOT_EXECUTE) from None


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    """Leading options that are handed on to the tool, and the rest."""
    at = 0
    while at < len(words) and words[at].startswith("-"):
        if words[at] in ("-h", "--help", "--version"):
            break
        at += _length(words[at])
        if at > len(words):
            raise Refused(f"{words[-1]} needs a value")
    return words[:at], words[at:]


def _length(option: str) -> int:
    """How many words this option takes: itself, and perhaps its value."""
    name, equals, _ = option.partition("=")
    if name in VALUED and option.startswith("--"):
        return 1 if equals else 2
    if option in SWITCHES:
        return 1
    if not option.startswith("--"):
        for position, letter in enumerate(option[1:], 2):
            if f"-{letter}" in VALUED:
                return 1 if option[position:] else 2
            if f"-{letter}" not in SWITCHES:
                break
        else:
            if len(option) > 1:
                return 1
    raise Refused(
        f"unknown option {name} before the command{_nearest(name, VALUED | SWITCHES)}"
        "; options of one command stand behind it"
    )


def _by_transport(arguments: list[str]) -> tuple[str, list[str]]:
    """The tool that `--transport` names, and the arguments without it."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    for at, word in enumerate(arguments[:end]):
        name, equals, value = word.partition("=")
        if name != "--transport":
            continue
        after = at + 1
        if not equals:
            if after == end:
                raise Refused("--transport needs a value")
            value, after = arguments[after], after + 1
        if value not in TRANSPORTS:
            raise Refused(f"--transport {value}: must be one of {', '.join(TRANSPORTS)}")
        return TRANSPORTS[value], arguments[:at] + arguments[after:]
    return ALIASES["session upload"], arguments


def _help(topic: list[str]) -> str:
    first = topic[0] if topic else "help"
    if first in BUILT_IN or first.startswith("-"):
        return _manual()
    if first in NOUNS and len(topic) == 1:
        return _manual(first)
    execute([*command([], topic), "--help"])


def _manual(noun: str | None = None) -> str:
    from xnatctl.manual import about, manual

    return about(noun) if noun else manual()


def _tools(arguments: list[str]) -> str:
    if arguments:
        return _manual() if arguments[0] in ("-h", "--help") else _no_more("tools", arguments)
    from xnatctl.inventory import inventory

    return inventory()


def _completion(arguments: list[str]) -> str:
    if arguments[:1] in (["-h"], ["--help"]):
        return _manual()
    from xnatctl.completion import SHELLS, script

    if not arguments or arguments[0] not in SHELLS:
        raise Refused(f"completion needs the name of a shell: {', '.join(SHELLS)}")
    return script(arguments[0]) if not arguments[1:] else _no_more("completion", arguments[1:])


def _shell_that_asks() -> str:
    """The shell whose start-up file says `eval "$(_XNATCTL_COMPLETE=bash_source xnatctl)"`."""
    shell, _, what = os.environ.get("_XNATCTL_COMPLETE", "").partition("_")
    return shell if what == "source" else ""


def _complete(words: list[str]) -> str:
    from xnatctl.complete import complete

    # The scripts send the name of the program and the word at the cursor at least.
    return complete(words) if len(words) > 1 else ""


def _no_more(name: str, arguments: list[str]) -> NoReturn:
    raise Refused(f"{name}: unexpected argument {arguments[0]}")


def _wrong_verb(noun: str, behind: list[str]) -> str:
    verbs = [name.partition(" ")[2] for name in ALIASES if name.startswith(noun + " ")]
    if not behind:
        return f"{noun} needs a command: {', '.join(verbs)}"
    near = _nearest(behind[0], verbs) or f"; there are {', '.join(verbs)}"
    return f"{noun} has no command {behind[0]!r}{near}"


def _missing(tool: str) -> str:
    if tool in TOOLS:
        return f"{tool} is not installed: pip install {tool}"
    word = tool.removeprefix("xnat-")
    tools = [name.removeprefix("xnat-") for name in (*TOOLS, *installed())]
    known = [*NOUNS, *tools, *BUILT_IN, *(name for name in ALIASES if " " not in name)]
    whole = [name for name in ALIASES if name.endswith(f" {word}")]
    one_of = "one of " if len(whole) > 1 else ""
    near = f"; did you mean {one_of}{', '.join(whole)}?" if whole else _nearest(word, known)
    near = near or "; 'xnatctl --help' lists what there is"
    return f"no command {word!r}{near}"


def _nearest(word: str, known: Iterable[str]) -> str:
    from xnat_core.commandline import nearest

    return nearest(word, known)


def _stop(message: str, status: int) -> int:
    if sys.stderr is not None:
        sys.stderr.write(f"xnatctl: {message}\n")
    return status


def _forget_output() -> None:
    """What is left in the buffer has no reader; without this Python complains at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
