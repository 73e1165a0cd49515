"""What the server has of a session before, between and after sending."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from xnat_core.client import XNATClient
from xnat_core.errors import ResourceNotFoundError, ValidationError
from xnat_core.imports import (
    Destination,
    DirectArchive,
    HeldFile,
    Landing,
    archived_files,
    archived_session,
    landings_of,
    some_instance,
    staged_files,
)
from xnat_core.imports.answers import DIRECT, PREARCHIVE
from xnat_core.imports.destination import DIRECT_ARCHIVE_SINCE
from xnat_core.lagging import look_until
from xnat_core.models import PrearchiveEntry, Session
from xnat_core.prearchive import Prearchive
from xnat_core.prearchive_rows import RECEIVING
from xnat_core.urls import path
from xnat_upload.difference import Difference
from xnat_upload.whose import (
    NotOurs,
    is_of_another_subject,
    require_shown_subject,
    require_subject,
    require_subject_of_direct,
    require_subject_of_row,
)

IMAGE_SESSION = "xnat:imageSessionData"


@dataclass(slots=True)
class Survey:
    """Where data of a session are.

    `rows` are those of the prearchive that hold our studies, `strangers` others of that label, None
    where nobody has looked for them; `direct` is what still goes straight into the archive.
    """

    session: Session | None = None
    rows: list[PrearchiveEntry] = field(default_factory=list)
    strangers: list[PrearchiveEntry] | None = None
    direct: list[Landing] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether nothing of that label was seen."""
        return not (self.session or self.rows or self.strangers or self.direct)


class Surveyor:
    """Looks for one session; `places` are the URIs where data of this upload have landed."""

    def __init__(
        self,
        client: XNATClient,
        destination: Destination,
        difference: Difference,
        places: set[str],
        patience: float,
    ) -> None:
        self.client = client
        self.prearchive = Prearchive(client)
        self.direct = DirectArchive(client)
        self.destination = destination
        self.difference = difference
        self.places = places
        self.patience = patience

    @property
    def knows_direct_archive(self) -> bool:
        """Whether the server can archive directly when told to; one that hides its version may."""
        version = self.client.server_version()
        return not version or version >= DIRECT_ARCHIVE_SINCE

    def look(
        self,
        session: Session | None = None,
        ended: Collection[str] = (),
        *,
        strangers: bool = False,
    ) -> Survey:
        """Wait for what is in motion, then list everything and compare it with the inventory.

        A `session` that has just been seen in the archive is not asked for again, nor are rows of
        the direct archive that have just `ended` (their URIs). `strangers` are looked for where
        that is asked for: it takes the listing of all that waits in the project.
        """
        survey = Survey(direct=list(self._receiving(ended)))
        # In this order: what goes into the archive meanwhile is seen in one of both.
        entries = self._entries() if strangers else self._own_entries()
        survey.session = self._archived(session)
        if strangers:
            survey.strangers = [entry for entry in entries if not self._is_ours(entry)]
        for entry in filter(self._is_ours, entries):
            if not self.destination.archive:
                require_subject_of_row(entry, self.destination.subject)
            if settled := self.prearchive.settled(entry, self.patience):
                survey.rows.append(settled)
            elif survey.session is None:
                # It has left while it was waited for.
                survey.session = look_until(self._archived, lambda session: session is not None)
        self.difference.forget_listings()
        foreign = False
        if survey.session:
            there = archived_files(self.client, survey.session.id)
            known = self.difference.hold(there, archived=True)
            foreign = not known and self._has_another_uid(survey.session)
        for row in survey.rows:
            self.difference.hold(self._files_of(row))
        if survey.direct:
            self.difference.hold_taken()
        session = survey.session
        self.difference.match_others(
            self._series_uids(session),
            lambda scan: some_instance(self.client, session, scan) if session else "",
            foreign=foreign,
        )
        return survey

    def _archived(self, seen: Session | None = None) -> Session | None:
        session = seen or archived_session(
            self.client, self.destination.project, self.destination.session
        )
        if session is not None:
            require_subject(session, self.destination.subject)
            require_shown_subject(self.client, session, self.destination.subject)
        return session

    def require_new_study(self) -> None:
        """Raise ValidationError for a study that is in the project under another label, as after a
        rename: under the one that its headers name it would be there twice."""
        project, label = self.destination.project, self.destination.session
        for uid in filter(None, (study.uid for study in self.difference.studies)):
            rows = self.client.rows(
                path("data", "projects", project, "experiments"),
                params={"xsiType": IMAGE_SESSION, "UID": uid, "columns": "ID,label,UID"},
                about=("project", project),
                empty_ok=True,
            )
            # A filter that the server does not understand is one that lets everything through.
            labels = {
                row.get("label", "") for row in rows if uid in (row.get("UID"), row.get("uid"))
            }
            if other := sorted(labels - {label}):
                raise ValidationError(
                    f"study {uid} is session {other[0]!r} of project {project} already: -S and -E "
                    "name that one to complete it, or another label to have the study twice",
                    "session",
                )

    def is_of_another_study(self, session: Session) -> bool:
        """Whether an archived session is of a study that is not ours.

        One that has something of ours is not: anonymization may have changed its UID.
        """
        if not self._has_another_uid(session) or self.difference.recognised:
            return False
        files = archived_files(self.client, session.id)
        return not any(self.difference.has_named(file.name) for file in files)

    def _has_another_uid(self, session: Session) -> bool:
        uids = {study.uid for study in self.difference.studies}
        return bool(session.uid) and session.uid not in uids and "" not in uids

    def _receiving(self, ended: Collection[str]) -> Iterable[Landing]:
        """Rows of the direct archive that take more; others are waited for until they are gone."""
        for landing in self._direct_candidates():
            if landing.uri in ended:
                continue
            row = self.direct.row(landing.project, landing.study, landing.name)
            if row is None:
                continue
            require_subject_of_direct(
                landing, str(row.get("subject") or ""), self.destination.subject
            )
            if row.get("status") == RECEIVING:
                yield landing
            else:
                self.direct.wait(landing, self.patience)

    def _direct_candidates(self) -> Iterable[Landing]:
        known = [landing for place in self.places for landing in landings_of(place)]
        candidates = {landing.uri: landing for landing in known if landing.area == DIRECT}
        if self.knows_direct_archive:
            project, label = self.destination.project, self.destination.session
            for study in self.difference.studies:
                uri = f"/xapi/direct-archive/{project}/{study.uid}/{label}"
                landing = Landing(DIRECT, uri, project, label, study=study.uid)
                candidates.setdefault(uri, landing)
        return [landing for landing in candidates.values() if landing.study]

    def _entries(self) -> list[PrearchiveEntry]:
        """All rows of that label."""
        return self._labelled(self.prearchive.entries(self.destination.project))

    def _own_entries(self) -> list[PrearchiveEntry]:
        """Those of our study, and those where data of this upload have landed, whatever UID the
        server has given them; of several studies the listing of all rows tells at once."""
        first, *more = self.difference.studies
        if more or not first.uid:
            return self._entries()
        rows = self.prearchive.of_study(self.destination.project, first.uid)
        known = {row.id for row in rows}
        for place in self._landed():
            if place.id not in known and (found := self.prearchive.find(place)):
                rows.append(found)
        return self._labelled(rows)

    def _labelled(self, rows: Iterable[PrearchiveEntry]) -> list[PrearchiveEntry]:
        wanted = self.destination.project, self.destination.session
        return [row for row in rows if (row.project, row.label) == wanted]

    def _landed(self) -> list[PrearchiveEntry]:
        """The rows of the project where something of this upload has landed, as they were told."""
        entries = [
            landing.entry()
            for place in self.places
            for landing in landings_of(place)
            if landing.area == PREARCHIVE
        ]
        return [entry for entry in entries if entry.project == self.destination.project]

    def _is_ours(self, entry: PrearchiveEntry) -> bool:
        uids = {study.uid for study in self.difference.studies}
        return entry.uid in uids or self.has_brought_to(entry)

    def has_brought_to(self, entry: PrearchiveEntry) -> bool:
        """Whether something of this upload has landed in a row."""
        known = [landing for place in self.places for landing in landings_of(place)]
        return any(
            (one.timestamp, one.name) == (entry.timestamp, entry.name)
            for one in known
            if one.area == PREARCHIVE
        )

    def require_ours(self, entry: PrearchiveEntry) -> None:
        """Raise NotOurs for a built row of another subject that holds files of others, too."""
        if is_of_another_subject(entry, self.destination.subject):
            for _ in self._files_of(entry):
                pass

    def _files_of(self, entry: PrearchiveEntry) -> Iterable[HeldFile]:
        """The files of a row. Raises NotOurs; what cannot be listed may be anybody's."""
        others_may = is_of_another_subject(entry, self.destination.subject)
        try:
            for file in staged_files(self.prearchive, entry):
                if others_may and not self.difference.has_named(file.name):
                    raise NotOurs(entry, self.destination.subject)
                yield file
        except ResourceNotFoundError:
            # Never built, and not to be built: nothing in it can be listed.
            if others_may:
                raise NotOurs(entry, self.destination.subject) from None

    def _series_uids(self, session: Session | None) -> dict[str, str]:
        if session is None or not self.difference.has_others:
            return {}
        rows = self.client.rows(
            path("data", "experiments", session.id, "scans"),
            params={"columns": "ID,UID"},
            about=("session", session.label),
        )
        return {row.get("ID", ""): row.get("UID") or row.get("uid") or "" for row in rows}
