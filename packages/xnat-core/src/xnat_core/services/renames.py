"""What a list of renames comes to, before anything is renamed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from xnat_core.arguments import text
from xnat_core.errors import InvalidIdentifierError, ValidationError
from xnat_core.validation import validate_xnat_identifier

_PLACE = re.compile(r"\{(\d+|project)\}")


@dataclass(frozen=True)
class Rename:
    """What becomes of one subject or session.

    `action` is `renamed`, `merged` or `skipped`; what is skipped has a `reason`.
    """

    old: str
    new: str
    action: str
    reason: str = ""


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Raises ValidationError for a pattern that does not compile."""
    if not isinstance(pattern, re.Pattern):
        text(pattern, "match_pattern")
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValidationError(f"Invalid regex {pattern!r}: {error}", "pattern", pattern) from None


def expand(template: str, found: re.Match[str], project: str) -> str:
    """The new label: `{1}` and so on are groups, empty when unmatched; `{project}` the project.

    Raises ValidationError for a group that the pattern does not have.
    """

    def value(place: re.Match[str]) -> str:
        if place[1] == "project":
            return project
        try:
            return found[int(place[1])] or ""
        except IndexError:
            raise ValidationError(
                f"template {template!r}: the pattern has no group {place[1]}", "template", template
            ) from None

    return _PLACE.sub(value, template)


def plan_renames(
    labels: Iterable[str],
    mapping: Mapping[str, str],
    *,
    merge_into_existing: bool,
    merge_several: bool | None = None,
    kind: str = "subject",
) -> list[Rename]:
    """What becomes of each entry of the mapping, old label to new, in the order to do it in.

    `labels` are those that the project has. One that is given away is free before another entry
    takes it. Without `merge_into_existing`, entries for a label that exists, or that several would
    get, are skipped; `merge_several` decides for the latter alone. `kind` is what messages speak
    of.
    """
    present = set(labels)
    several = merge_into_existing if merge_several is None else merge_several
    # After an interrupted run of a chain A -> B -> C, what is called B may be the former A.
    arrived = {new: old for old, new in mapping.items() if old not in present and new in present}
    hopeless = {
        old: reason
        for old, new in mapping.items()
        if (reason := _hopeless(old, new, present, arrived, kind))
    }
    plan = [Rename(old, mapping[old], "skipped", reason) for old, reason in hopeless.items()]
    waiting = {old: new for old, new in mapping.items() if old not in hopeless}
    wanted = Counter(waiting.values())
    while waiting:
        # One whose new label no other has to give away first.
        old = next((old for old, new in waiting.items() if new not in waiting), None)
        if old is None:
            circle = waiting.items()
            plan += [Rename(old, new, "skipped", "the labels change places") for old, new in circle]
            break
        new = waiting.pop(old)
        if wanted[new] > 1 and not several:
            plan.append(Rename(old, new, "skipped", f"several {kind}s would become {new}"))
        elif new in present and not merge_into_existing:
            plan.append(Rename(old, new, "skipped", f"{new} exists already"))
        else:
            plan.append(Rename(old, new, "merged" if new in present else "renamed"))
            present.discard(old)
            present.add(new)
    return plan


def _hopeless(old: str, new: str, present: set[str], arrived: Mapping[str, str], kind: str) -> str:
    """Why an entry is skipped whatever the others come to; an empty text if it is not."""
    if old not in present:
        return "renamed already" if new in present else "not found"
    if new == old:
        return "same label"
    if old in arrived:
        return f"it may be the former {arrived[old]}: leave that out, or give the new label by hand"
    try:
        validate_xnat_identifier(new, f"{kind} ID")
    except InvalidIdentifierError as error:
        # A label that exists already may be older than the rules.
        return "" if new in present else error.message
    return ""
