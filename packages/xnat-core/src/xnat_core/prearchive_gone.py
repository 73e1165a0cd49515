"""Rows that are gone from the prearchive: archived, moved or deleted, by whom nobody tells.

Under the labels of a row the archive may hold a session of old, which has nothing of it. So its
study and its history decide whether it is what the row has become.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from xnat_core.errors import ResourceNotFoundError
from xnat_core.lagging import look_until
from xnat_core.models import PrearchiveEntry, Session
from xnat_core.prearchive_looking import PrearchiveRows
from xnat_core.prearchive_rows import named
from xnat_core.services.lookup import find_session
from xnat_core.services.studies import sessions_of_study
from xnat_core.services.touched import touched_since

_NOT_IN_LABELS = re.compile("[^A-Za-z0-9_-]")
_FOLDER = re.compile(r"(\d{4})(\d\d)(\d\d)_(\d\d)(\d\d)(\d\d)\d*")


class GoneRows(PrearchiveRows):
    """The rows of one server, and what has become of those that are gone."""

    def become(
        self, entry: PrearchiveEntry, label: str | None = None, *, overwritten: bool = False
    ) -> Session:
        """The session that a row has become which was there a moment ago; lists may show it some
        seconds later. `overwritten` is what was to be archived also over another study.

        Raises ResourceNotFoundError when it was deleted or moved, and where the server tells
        nothing by which that could be excluded.
        """

        def look() -> Session:
            session = self._archived(entry, label, of_any_study=overwritten)
            if touched := self._is_touched(session, entry):
                return session
            untold = f"the server does not tell whether session {session.label} has come of it"
            raise _gone(entry, untold if touched is None else _older(session))

        return shown(look)

    def found_archived(self, entry: PrearchiveEntry, label: str | None = None) -> Session:
        """As `become`, of a row of which nothing else is known than that it is gone, now and
        without waiting. Where the server tells no history, the session is taken for it."""
        session = self._archived(entry, label)
        if self._is_touched(session, entry) is False:
            raise _gone(entry, _older(session))
        return session

    def whereabouts(self, entry: PrearchiveEntry) -> str | None:
        """Where the data of a row that is gone may be; None when it was deleted, as far as can be
        seen: in what this user may not read it may be all the same."""
        # A row that is moved keeps its two folders.
        for row in self.entries(study_uid=entry.uid):
            if (row.timestamp, row.name) == (entry.timestamp, entry.name):
                return f"it waits as {row.id}"
        for session in self._candidates(entry):
            touched = self._is_touched(session, entry)
            if touched is not False:
                changed = "has changed since it came" if touched else "has no history to tell"
                return f"session {session.project}/{session.label} {changed}, and may hold it"
        return None

    def _candidates(self, entry: PrearchiveEntry) -> list[Session]:
        """The sessions of a row's study, under whatever labels, and the one of its own label."""
        found = sessions_of_study(self.client, entry.uid) if entry.uid else []
        try:
            session = self._named_by(entry, None)
        except ResourceNotFoundError:
            return found
        return [*found, *([] if session.id in {one.id for one in found} else [session])]

    def _archived(
        self, entry: PrearchiveEntry, label: str | None, *, of_any_study: bool = False
    ) -> Session:
        """The session that a row which is gone may have become, by its labels.

        Raises ResourceNotFoundError when the archive holds none of this label, or one of another
        study: then the row was deleted or moved, or never was. An address without a study is one
        that was typed: a row that waits under its name or its timestamp may be what was meant.
        """
        try:
            session = self._named_by(entry, label)
        except ResourceNotFoundError:
            raise _gone(entry) from None
        differ = entry.uid and session.uid and entry.uid != session.uid
        if differ and not of_any_study:
            raise _gone(entry, f"session {session.label} is of another study")
        for row in [] if entry.uid else self.entries(entry.project):
            if row.name == entry.name or row.timestamp == entry.timestamp:
                raise _gone(entry, f"{row.id} waits")
        return session

    def _named_by(self, entry: PrearchiveEntry, label: str | None) -> Session:
        """The archived session of a label, by default the row's.

        The archive replaces what a label must not have, as one from a DICOM header may.
        """
        name = label or entry.label or entry.name
        try:
            return self._labelled(entry, name)
        except ResourceNotFoundError:
            plain = _NOT_IN_LABELS.sub("_", name)
            if plain == name:
                raise
            return self._labelled(entry, plain)

    def _labelled(self, entry: PrearchiveEntry, label: str) -> Session:
        """The session of that label; what has it for an accession ID is another one."""
        found = find_session(self.client, label, entry.project)
        if found.label != label:
            raise ResourceNotFoundError("session", f"{entry.project}/{label}")
        return found

    def _is_touched(self, session: Session, entry: PrearchiveEntry) -> bool | None:
        """Whether anything has happened to a session since a row came; None: nobody tells."""
        came = entry.uploaded or _FOLDER.sub(r"\1-\2-\3 \4:\5:\6", entry.timestamp)
        return touched_since(self.client, session.id, came)


def shown(look: Callable[[], Session]) -> Session:
    """What has just been archived: lists may show it some seconds later."""

    def seen() -> Session | ResourceNotFoundError:
        try:
            return look()
        except ResourceNotFoundError as error:
            return error

    found = look_until(seen, lambda seen: isinstance(seen, Session))
    if isinstance(found, ResourceNotFoundError):
        raise found
    return found


def _older(session: Session) -> str:
    return f"session {session.label} is older and has nothing of it"


def _gone(entry: PrearchiveEntry, why: str = "") -> ResourceNotFoundError:
    error = ResourceNotFoundError(*named(entry))
    error.message += f"; {why}" if why else ""
    return error
