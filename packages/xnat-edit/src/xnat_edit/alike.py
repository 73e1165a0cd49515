"""Subjects whose labels differ in case alone: servers take them for the same when they archive."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xnat_core.client import XNATClient
    from xnat_core.job import Job

Alike = dict[str, set[str]]


class Subjects:
    """The subjects of projects; each project is listed once."""

    def __init__(self) -> None:
        self._alike: dict[tuple[str, str], Alike] = {}
        self._lock = threading.Lock()

    def like(self, client: XNATClient, project: str, label: str) -> set[str]:
        """The labels that are `label` but for case; none where they cannot be listed."""
        from xnat_core.errors import ConnectionError, ServerError, XNATCtlError
        from xnat_core.services.lookup import subjects_in

        place = client.base_url, project
        with self._lock:
            if place not in self._alike:
                try:
                    labels = (subject.label for subject in subjects_in(client, project))
                    self._alike[place] = alike(labels)
                except (ConnectionError, ServerError):
                    # Once: the next one may be told.
                    return set()
                except XNATCtlError:
                    self._alike[place] = {}
        return self._alike[place].get(label.lower(), set())


def alike(labels: Iterable[str]) -> Alike:
    """The labels that are the same but for case, by that one in small letters."""
    found: Alike = {}
    for label in labels:
        found.setdefault(label.lower(), set()).add(label)
    return found


def warn(job: Job, project: str, labels: set[str]) -> None:
    """Tell that subjects will be called so, if there are several."""
    if len(labels) > 1:
        job.console.warning(
            f"project {project} has the subjects {' and '.join(map(repr, sorted(labels)))} then, "
            "which the server does not tell apart when it archives"
        )
