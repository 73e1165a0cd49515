"""The messages that the page on troubleshooting explains are those of the tools."""

from __future__ import annotations

import re

import pytest

from support.workspace import PACKAGES, ROOT

# What pip and shells say is theirs.
PAGE = re.sub(
    r"## Installing.*?(?=\n## )", "", (ROOT / "docs/troubleshooting.md").read_text(), flags=re.S
)
SYMPTOMS = re.findall(r"^\| (.*?) \|", PAGE, re.MULTILINE)
MESSAGES = [message for symptom in SYMPTOMS for message in re.findall("`([^`]+)`", symptom)]
# Texts that go on in the next line of the source are one.
SOURCE = re.sub(
    r'"\s+f?"',
    "",
    "".join(path.read_text() for package in PACKAGES for path in package.source.rglob("*.py")),
)


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_of_the_page_is_one_of_the_tools(message: str) -> None:
    # Between these stand names and numbers.
    for part in re.split(r"…|'?\b[A-Z]+\b'?|\d+", message):
        assert part.strip(" :/") in SOURCE
