"""Rules that take a label out of a DICOM attribute: `(0008,1030):^(\\w+):1`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .dicom_header import TAGS, Header

NAMES = {f"{tag >> 16:04x},{tag & 0xFFFF:04x}": name for name, tag in TAGS.items()}
FORM = re.compile(r"\(([0-9a-fA-F]{4},[0-9a-fA-F]{4})\):(.+?)(?::(\d+))?\s*")


class BadRule(Exception):
    """The text is no rule."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A tag, an expression that its value must contain, and the group that is the label."""

    tag: str
    pattern: re.Pattern[str]
    group: int

    @classmethod
    def parse(cls, text: str) -> Rule:
        match = FORM.fullmatch(text.strip())
        if match is None:
            raise BadRule(f"Invalid routing expression: {text}")
        try:
            pattern = re.compile(match[2])
        except re.error as error:
            raise BadRule(f"Invalid routing expression: {text}") from error
        group = int(match[3]) if match[3] else min(1, pattern.groups)
        if group > pattern.groups:
            raise BadRule(f"Invalid routing expression: {text}")
        return cls(match[1].lower(), pattern, group)

    def label(self, header: Header) -> str:
        """What the rule finds; attributes that the importer does not read are empty."""
        name = NAMES.get(self.tag)
        match = self.pattern.search(getattr(header, name)) if name else None
        return (match[self.group] or "") if match else ""


def first_label(rules: str, header: Header) -> str:
    """The label that the first fitting line of `rules` finds."""
    for line in filter(str.strip, rules.splitlines()):
        try:
            if found := Rule.parse(line).label(header):
                return found
        except BadRule:
            continue
    return ""
