"""The help texts of `xnatctl` itself."""

from __future__ import annotations

from collections.abc import Mapping

from xnatctl.aliases import ALIASES, BUILT_IN, NOUNS, TOOLS
from xnatctl.find import installed

USAGE = """\
One command in front of the xnat-* tools.

Usage:
  xnatctl [options] <noun> <verb> [<argument>]...
  xnatctl [options] <tool> [<argument>]...
  xnatctl help [<topic>]...
  xnatctl tools
  xnatctl completion (bash | zsh | fish)
  xnatctl (-h | --help | --version)
"""
OPTIONS = """
Options that every tool has may also stand before the command:
  -p --profile=<name>    Profile of the configuration file to use.
  --url=<url>            Server to use, instead of the one of a profile.
  -u --username=<name>   Log in as this user.
  --password-stdin       Read the password from the first line of standard input.
  --max-connections=<n>  Connections to the server at once, of all processes of this user.
  --reason=<text>        Why something is changed, for the history that the server keeps.
  -o --output=<format>   ndjson, json, table or tsv.
  -q --quiet             Print identifiers only.
  -v --verbose           Tell on standard error what is being done.
  --where=<test>         Print only what passes.
  --columns=<keys>       Keys to show in a table or tsv, separated by commas.
  --no-headers           No header line in a table or tsv.
  --no-color             No colour.
  -h --help              Show this help.
  --version              Show the version.

Exit status: that of the tool; 127 when there is no such tool.

Example:
  xnatctl -p prod session list -P NEURO
"""


def manual(here: Mapping[str, str] | None = None) -> str:
    """What `xnatctl --help` prints; `here` are the installed tools and their paths."""
    here = installed() if here is None else here
    nouns = {noun: ", ".join(verbs(noun)) for noun in NOUNS}
    nouns |= {name: words for name, words in ALIASES.items() if " " not in name}
    tools = {
        name.removeprefix("xnat-"): text if name in here else f"{text} (pip install {name})"
        for name, text in TOOLS.items()
    }
    tools |= {name.removeprefix("xnat-"): here[name] for name in here if name not in TOOLS}
    return "".join(
        [
            USAGE,
            "\nNouns and their verbs ('xnatctl help NOUN' says more):\n" + _rows(nouns),
            "\nTools ('xnatctl ls' is 'xnat-ls'):\n" + _rows(tools),
            "\nBuilt in:\n" + _rows(BUILT_IN),
            OPTIONS,
        ]
    )


def about(noun: str) -> str:
    """What `xnatctl help NOUN` prints."""
    commands = {f"xnatctl {noun} {verb}": ALIASES[f"{noun} {verb}"] for verb in verbs(noun)}
    example = next(iter(commands))
    return (
        f"xnatctl {noun}: {NOUNS[noun]}\n\nEach command stands for a tool:\n{_rows(commands)}"
        f"\n'{example} --help' shows what a command takes.\n"
    )


def verbs(noun: str) -> list[str]:
    """The verbs of a noun, in the order of the table."""
    return [name.partition(" ")[2] for name in ALIASES if name.startswith(noun + " ")]


def _rows(rows: Mapping[str, str]) -> str:
    width = max(map(len, rows)) + 2
    return "".join(_row(name, text, width) for name, text in rows.items())


def _row(name: str, text: str, width: int) -> str:
    from textwrap import wrap

    margin = " " * (width + 2)
    lines = wrap(text, 100, initial_indent=margin, subsequent_indent=margin, break_on_hyphens=False)
    return f"  {name:<{width}}{lines[0].strip()}\n" + "".join(f"{line}\n" for line in lines[1:])
