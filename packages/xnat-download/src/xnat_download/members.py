"""Which listed file a member of an archive is.

The server names members by rewriting text (`RestFileUtils.buildRelativePath`): each folder that is
called like a scan in it becomes `{scan}-{type}`, also one inside the resource, and the accession ID
becomes the label wherever it stands. So the name is read backwards: what could it have been? Where
that has more than one answer, the size decides, and after that the MD5.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xnat_download.places import Place

_MOST = 64


@dataclass(frozen=True, slots=True)
class MemberName:
    """What stands between `scans/`, `resources/` and `files/`, at whatever depth; and the folder
    at the top, which mostly has the label of the session in its own project."""

    scan: str | None
    resource: str
    path: str
    top: str


def read_name(name: str) -> MemberName | None:
    """Take a member's name apart; None when it has not that form."""
    parts = name.split("/")
    for index in range(len(parts) - 3):
        if parts[index] == "resources" and parts[index + 2] == "files":
            above = parts[:index]
            scan = above[-1] if len(above) > 1 and above[-2] == "scans" else None
            return MemberName(scan, parts[index + 1], "/".join(parts[index + 3 :]), parts[0])
    return None


def scan_candidates(written: str) -> list[str]:
    """The scan IDs that `{scan}-{type}` may stand for; a type as written here has no dash."""
    stem = written.rpartition("-")[0]
    return [stem, written] if stem else [written]


def is_of_another_scan(name: MemberName, place: Place) -> bool:
    """Whether a member is of a scan that was not asked for.

    The server takes the ID of a scan for the type of others, too, and sends both.
    """
    if name.scan is None or place.scan is None:
        return False
    return place.scan not in scan_candidates(name.scan)


def labels_in(name: MemberName, place: Place) -> tuple[tuple[str, str], ...]:
    """The labels that may stand in a member's name, each with the accession ID that it replaced.

    A session that is shared has another label there than where it is listed.
    """
    id = place.session_id or ""
    labels = dict.fromkeys([(place.session or "", id), (name.top, id)])
    if place.level == "assessor":
        labels[place.owner or "", place.owner_id or ""] = None
    return tuple(labels)


def originals(
    path: str,
    scan: tuple[str, str] | None,
    labels: tuple[tuple[str, str], ...],
    others: Collection[str] = (),
) -> Iterator[str]:
    """The paths that the server may have rewritten to `path`, itself first.

    `scan` is how the scan's folder is written and its ID, `labels` are pairs of a label and the
    accession ID that it replaced, `others` the IDs of all scans in the archive.
    """
    choices = [_choices(part, scan, labels, others) for part in path.split("/")]
    found = itertools.islice(itertools.product(*choices), _MOST)
    yield from dict.fromkeys("/".join(parts) for parts in found)


def _choices(
    part: str,
    scan: tuple[str, str] | None,
    labels: tuple[tuple[str, str], ...],
    others: Collection[str],
) -> list[str]:
    choices = [part]
    if scan is not None and part == scan[0] != scan[1]:
        choices.append(scan[1])
    elif (stem := part.rpartition("-")[0]) in others:
        choices.append(stem)
    for label, id in labels:
        if label and id and label != id and label in part:
            choices.append(part.replace(label, id))
    return choices
