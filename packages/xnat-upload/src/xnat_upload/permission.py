"""Whether an upload may change what is there: asked before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from xnat_core.errors import ResourceExistsError
from xnat_core.journal import Journal
from xnat_core.services.subject_ids import require_no_id
from xnat_upload.survey import Survey, Surveyor
from xnat_upload.terms import Manner
from xnat_upload.whose import another_study, require_one_subject, subject_labels


class Permission:
    """Of one session.

    `by_label` is False for a subject that is named by its accession ID; `added_to` is the UID of
    another study to whose session somebody wants this one to be added.
    """

    def __init__(
        self,
        surveyor: Surveyor,
        manner: Manner,
        journal: Journal,
        subjects: Callable[[], Iterable[str]] | None,
        named: tuple[bool, bool],
    ) -> None:
        self._surveyor = surveyor
        self._manner = manner
        self._journal = journal
        self._subjects = subjects
        self._subject_named, self._session_named = named
        self.by_label = True
        self.added_to: str | None = None

    def require(self, survey: Survey, *, at_end: bool) -> None:
        """Raise ResourceExistsError, LabelTaken or ValidationError for what must stay as it is.

        `at_end`: nothing is left to be done on the server.
        """
        if survey.session is None:
            self._require_place()
        if survey.is_empty:
            self._journal.note({"fresh": True})
            return
        self._require_own(survey, at_end)
        self._mind_study(survey)

    def _require_place(self) -> None:
        """A new session must not come to one who is only called alike, nor be there twice."""
        destination, client = self._surveyor.destination, self._surveyor.client
        project, subject = destination.project, destination.subject
        labels = self._subjects() if self._subjects else subject_labels(client, project)
        require_one_subject(labels, subject)
        self.by_label = not require_no_id(client, project, subject, given=self._subject_named)
        if not self._session_named:
            self._surveyor.require_new_study()

    def _require_own(self, survey: Survey, at_end: bool) -> None:
        """With overwrite `none`: refuse to touch what another upload has made.

        A session that holds everything needs no change, whoever made it.
        """
        if self._manner.overwrite != "none" or self._is_own():
            return
        if at_end and not survey.strangers and not self._surveyor.difference.missing.files:
            return
        destination = self._surveyor.destination
        where = "the archive" if survey.session else "the prearchive"
        error = ResourceExistsError("session", destination.session)
        error.message += (
            f" in {where} of {destination.project}; --overwrite append adds what is missing"
        )
        raise error

    def _is_own(self) -> bool:
        """Whether what is there is what an earlier run of this upload has begun.

        That nothing was there then is not enough: when nothing of it was taken, somebody else may
        have made the session since.
        """
        begun = self._journal.facts().get("fresh")
        difference = self._surveyor.difference
        accepted = any(map(difference.concerns, self._journal.accepted()))
        return bool(begun and (accepted or not difference.has_others))

    def _mind_study(self, survey: Survey) -> None:
        """Refuse to mix a second visit into the first, unless somebody says that it belongs there.

        The server mixes them where conflicts are overridden, as they are by default.
        """
        session = survey.session
        if self._manner.merges or not session or not self._surveyor.destination.archive:
            return
        if self._surveyor.is_of_another_study(session):
            # Where it may be the same under other UIDs, it would be there twice.
            if not self._session_named or self._surveyor.difference.looks_alike:
                raise another_study(session)
            self.added_to = session.uid
