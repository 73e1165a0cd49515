"""Write docs/reference from the usage texts of the tools, the record types and the errors.

tools/gen_reference.py            write the pages
tools/gen_reference.py --check    fail when a page is not what would be written
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import distribution
from pathlib import Path

from xnat_core import errors, transfer_errors
from xnat_core.commandline import (
    BOUND_OPTIONS,
    COMMON_OPTIONS,
    LIST_OPTIONS,
    SERVER_OPTIONS,
    Command,
)
from xnat_core.models import Model, kinds
from xnatctl.aliases import NOUNS, TOOLS
from xnatctl.manual import about, manual

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs/reference"
# A paragraph of prose ends where a section of the usage text begins.
SECTION = re.compile(r"^\w[\w ]*:$", re.MULTILINE)

RECORDS = """\
# Records

What the tools print and read: one JSON object on one line, UTF-8. A key is absent when its value
is not known. A tool keeps keys that it does not know.

A record that a tool acted upon has also `outcome`: `done`, `skipped`, `planned` (dry run) or
`failed`; with `failed` comes `error`, an object of `type`, `message` and `exit_status` (see
[exit status](exit-status.md)). What a dry run found to need nothing is `skipped` and has `dry_run`.
Records that failed, those of a dry run, and what a bound has left are handed on unchanged.
"""
EXIT_STATUS = """\
# Exit status

When everything that failed failed for one reason, the status is that of the reason; when there
were several reasons, it is 1. `xnatctl` ends with 126 when a tool is there but cannot be executed.

A tool may name a more precise error than these, such as `DiskError` or `RecordError`; a program
goes by `exit_status`, which stands beside `error.type` in the record.

| Status | Meaning | Errors, as `error.type` of a failed record |
|---|---|---|
"""


def pages() -> Iterator[tuple[str, str]]:
    """The name and text of every page."""
    for name, module in executables():
        yield name, dispatcher_page() if name == "xnatctl" else tool_page(name, module)
    yield "records", records_page()
    yield "exit-status", exit_status_page()


def executables() -> Iterator[tuple[str, str]]:
    """The name of every tool and the module of its command line."""
    for folder in sorted(ROOT.glob("packages/*")):
        for entry in distribution(folder.name).entry_points:
            # xnatctl declares those of the tools once more, for pipx.
            if entry.group == "console_scripts" and entry.name == folder.name:
                yield entry.name, entry.module.replace(".__main__", ".cli")


def shared_options(commands: dict[str, Command]) -> str:
    """What the options mean that several commands of a tool take."""
    sections = [
        *([LIST_OPTIONS] if any(command.listing for command in commands.values()) else []),
        *([BOUND_OPTIONS] if any(command.bounded for command in commands.values()) else []),
        *([SERVER_OPTIONS] if any(command.server for command in commands.values()) else []),
        COMMON_OPTIONS,
    ]
    return "\n".join(section.strip("\n") + "\n" for section in sections)


def dispatcher_page() -> str:
    """The page of xnatctl, as it looks where everything is installed."""
    nouns = "".join(f"\n## xnatctl {noun}\n\n{fenced(about(noun))}" for noun in NOUNS)
    return titled("xnatctl", manual(dict.fromkeys(TOOLS, ""))) + nouns


def tool_page(name: str, module: str) -> str:
    """The page of one tool: its manual, that of each verb, and once the options they share."""
    cli = import_module(module)
    commands: dict[str, Command] = getattr(cli, "COMMANDS", {})
    if not commands:
        return titled(name, cli.__doc__ or "")
    # What runs without a verb has its manual at the top.
    verbs = "".join(verb_section(name, verb, command) for verb, command in commands.items() if verb)
    options = fenced(shared_options(commands))
    return f"{titled(name, cli.__doc__ or '')}{verbs}\n## Shared options\n\n{options}"


def verb_section(tool: str, verb: str, command: Command) -> str:
    """The manual of one verb, and which of the shared options it takes."""
    text = import_module(command.module).__doc__ or ""
    kinds = [*["list"] * command.listing, *["server"] * command.server, "common"]
    taken = " and ".join([", ".join(kinds[:-1]), kinds[-1]] if kinds[:-1] else kinds)
    section = titled(f"{tool} {verb}", text, level="##")
    return f"\n{section}\nTakes the {taken} [options](#shared-options).\n"


def titled(title: str, text: str, level: str = "#") -> str:
    """A heading, the prose of a usage text as prose, and the rest as it is typed."""
    text = inspect.cleandoc(text) + "\n"
    start = SECTION.search(text)
    assert start, f"{title}: the docstring has no section 'Usage:'"
    prose = re.sub(r"(?<!`)<", r"\\<", text[: start.start()].strip())
    return f"{level} {title}\n\n{prose}\n\n{fenced(text[start.start() :])}"


def fenced(text: str) -> str:
    """Text as it is."""
    return f"```text\n{text.strip()}\n```\n"


def records_page() -> str:
    """Every kind of record and its keys."""
    return RECORDS + "".join(record_section(model) for model in kinds().values())


def record_section(model: type[Model]) -> str:
    """The keys of one kind."""
    rows = "".join(f"| `{key.key}` | {key.type} | {key.doc} |\n" for key in model.record_keys())
    doc = inspect.cleandoc(model.__doc__ or "")
    return f"\n## {model.kind}\n\n{doc}\n\n| Key | Type | Meaning |\n|---|---|---|\n{rows}"


def exit_status_page() -> str:
    """Each exit status and the errors that lead to it."""
    names = {
        value: name.lower().replace("_", " ")
        for name, value in vars(errors).items()
        if name.isupper() and isinstance(value, int)
    }
    causes: dict[int, list[str]] = {status: [] for status in sorted(names)}
    # By name: a module also has the errors that it imports from the other.
    for error in (vars(errors) | vars(transfer_errors)).values():
        if inspect.isclass(error) and issubclass(error, errors.XNATCtlError):
            causes[error.exit_status].append(f"`{error.__name__}`")
    rows = "".join(
        f"| {status} | {names[status]} | {', '.join(found)} |\n" for status, found in causes.items()
    )
    return EXIT_STATUS + rows


def main() -> int:
    """Write or check."""
    wanted = {REFERENCE / f"{name}.md": text for name, text in pages()}
    stale = [path for path, text in wanted.items() if not is_text(path, text)]
    left_over = set(REFERENCE.glob("*.md")) - set(wanted)
    if sys.argv[1:] == ["--check"]:
        for path in sorted({*stale, *left_over}):
            sys.stderr.write(f"{path.relative_to(ROOT)} is stale: run tools/gen_reference.py\n")
        return 1 if stale or left_over else 0
    REFERENCE.mkdir(parents=True, exist_ok=True)
    for path in stale:
        path.write_text(wanted[path])
    for path in left_over:
        path.unlink()
    return 0


def is_text(path: Path, text: str) -> bool:
    """Whether the file holds just this."""
    return path.exists() and path.read_text() == text


if __name__ == "__main__":
    sys.exit(main())
