"""What the server has otherwise than it was sent: damaged on its way, or rewritten?

It is sent once more, in another form. Damage does not repeat itself; what a server writes in its
own way comes out the same again. That is how rewriting is told even where no script anonymizes: a
server may write a header anew.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from xnat_core.errors import IntegrityError
from xnat_core.journal import Accepted, Journal
from xnat_core.services.anonymization import anonymizes
from xnat_core.wording import counted
from xnat_upload.comparison import Comparison

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xnat_core.client import XNATClient
    from xnat_core.imports import Destination
    from xnat_upload.inventory import Instance
    from xnat_upload.terms import Manner

SAMPLE = 100
"""So many files tell whether a server writes in its own way."""
FEW = 3
"""So many tell it where it may well be that a script anonymizes, which the server does not say."""
ALL = -1
# Of a file that arrived otherwise than it was sent: no local file is like it.
NO_SIZE = -1
# A proxy that spoils certain bytes, or the byte at some place, meets others.
_OTHER_FORM = {"tar": "zip", "zip": "tar", "gradual": "tar"}


class Damage:
    """The instances of one delivery whose MD5 on the server is not the one that was sent."""

    def __init__(
        self, client: XNATClient, destination: Destination, comparison: Comparison, journal: Journal
    ) -> None:
        self._client = client
        self._destination = destination
        self._comparison = comparison
        self._journal = journal
        self._sent_again = False

    @cached_property
    def _is_rewritten(self) -> bool | None:
        """Whether a script rewrites everything, so that another MD5 means nothing."""
        return anonymizes(self._client, self._destination.project)

    @property
    def may_be_rewriting(self) -> bool:
        """Whether another size on the server may be the doing of a script there."""
        if self._is_rewritten is None:
            comparison = self._comparison
            alike = comparison.uncompared().files - comparison.resized().files
            return not comparison.identical().files and not alike
        return self._is_rewritten

    @property
    def _is_unlikely_rewritten(self) -> bool:
        if self._is_rewritten is None:
            return self._comparison.identical().files > 0
        return not self._is_rewritten

    def recall(self) -> bool:
        """Learn from the journal what has arrived damaged; whether some waits to be sent again.

        The last line on a file counts: what has been taken since is no longer to be sent, but has
        yet to replace what is damaged until the archive lists it.
        """
        damaged: dict[str, str] = {}
        for one in self._journal.accepted():
            if one.size == NO_SIZE:
                damaged[one.name] = ""
            elif one.name in damaged:
                damaged[one.name] = one.digest
        return self._comparison.recall(damaged)

    def doubt(self) -> bool:
        """Mark what is to be sent again, a sample at first; returns whether there is anything.

        The journal remembers it, should this run not come to do it.
        """
        comparison = self._comparison
        if not comparison.damaged().files or self._is_rewritten:
            return False
        most = SAMPLE if self._is_unlikely_rewritten else FEW
        if self._sent_again:
            if not comparison.came_out_otherwise().files or not self._is_unlikely_rewritten:
                return False
            most = ALL
        self._sent_again = True
        count = comparison.doubt(most)
        self._remember(comparison.doubted())
        return count > 0

    def require_none(self, *, strictly: bool) -> None:
        """Raise IntegrityError for what came out otherwise each time; the next run sends it again.

        `strictly` also for what a server seems to write in its own way.
        """
        comparison = self._comparison
        if not comparison.damaged().files or not self._is_unlikely_rewritten:
            return
        found = list(comparison.all_damaged() if strictly else comparison.all_damaged_again())
        if not found:
            return
        self._remember(found)
        raise IntegrityError(
            f"{self._destination.session}: "
            f"{counted(len(found), 'file has', 'files have')} another MD5 on the server than was "
            f"sent, {found[0].where} for one; the same command sends them again"
        )

    def _remember(self, instances: Iterable[Instance]) -> None:
        self._journal.add(
            Accepted(one.name, one.where, NO_SIZE, one.mtime_ns, "", "") for one in instances
        )


def once_more(manner: Manner) -> Manner:
    """How to send again what has arrived damaged."""
    return replace(manner, mode=_OTHER_FORM[manner.mode])


def replacing(manner: Manner) -> Manner:
    """How the requests are to be that bring it: over what an import still receives."""
    return replace(manner, overwrite="delete")
