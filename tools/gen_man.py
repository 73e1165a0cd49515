"""Write man pages from the texts that `--help` prints; `tools/release` does so for a release.

tools/gen_man.py FOLDER    write FOLDER/NAME.1 for xnatctl and every tool
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from gen_reference import executables, shared_options

from xnat_core import __version__
from xnat_core.commandline import Command
from xnat_core.folding import folded
from xnatctl.aliases import NOUNS, TOOLS
from xnatctl.manual import about, manual


def pages() -> Iterator[tuple[str, str]]:
    """The name and text of every page."""
    names = [name for name, _ in executables()]
    for name, module in executables():
        others = [f"{other}(1)" for other in names if other != name]
        body = dispatcher_body() if name == "xnatctl" else tool_body(name, module)
        title, first, *rest = body
        yield (
            name,
            f'.TH {roff(name.upper())} 1 "" "{name} {__version__}" "XNAT toolbox"\n'
            f".SH NAME\n{name} \\- {roff(title)}\n"
            f".SH SYNOPSIS\n{first}" + "".join(rest) + f".SH SEE ALSO\n{roff(', '.join(others))}\n",
        )


def dispatcher_body() -> list[str]:
    """What the page of xnatctl says, as it looks where everything is installed."""
    title, *rest = sections(manual(dict.fromkeys(TOOLS, "")))
    return [title, *rest, *(f".SH {noun.upper()}\n{verbatim(about(noun))}" for noun in NOUNS)]


def tool_body(name: str, module: str) -> list[str]:
    """What the page of a tool says: its manual, that of each verb, and the options they share."""
    cli = import_module(module)
    body = sections(cli.__doc__ or "")
    commands: dict[str, Command] = getattr(cli, "COMMANDS", {})
    for verb, command in commands.items():
        if verb:
            text = inspect.cleandoc(import_module(command.module).__doc__ or "")
            body.append(f".SH {roff(f'{name} {verb}'.upper())}\n{verbatim(text)}")
    if commands:
        body.append(f".SH SHARED OPTIONS\n{verbatim(shared_options(commands))}")
    return body


def sections(text: str) -> list[str]:
    """Title line, usage, and the rest of a usage text."""
    title, _, rest = inspect.cleandoc(text).partition("\n")
    prose, usage = rest.split("Usage:\n", 1)
    synopsis, _, options = usage.partition("\n\n")
    body = [title.rstrip("."), verbatim(inspect.cleandoc("\n" + synopsis))]
    for part in (prose, options):
        if part.strip():
            body.append(f".SH {'DESCRIPTION' if part is prose else 'DETAILS'}\n{verbatim(part)}")
    return body


def verbatim(text: str) -> str:
    """Text whose line ends and columns are kept, and fit into the 80 columns of a terminal."""
    return f".nf\n{roff(folded(text, 72).strip(chr(10)))}\n.fi\n"


def roff(text: str) -> str:
    """Text that roff takes for nothing but text."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    escaped = "".join(c if c.isascii() else f"\\[u{ord(c):04X}]" for c in escaped)
    return re.sub(r"^(?=[.'])", r"\\&", escaped, flags=re.MULTILINE)


def main() -> int:
    """Write all of them."""
    if len(sys.argv) != 2:
        sys.stderr.write(__doc__ or "")
        return 2
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages():
        (folder / f"{name}.1").write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
