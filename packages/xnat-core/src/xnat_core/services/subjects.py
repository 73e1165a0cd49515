"""Subjects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from xnat_core import arguments
from xnat_core.arguments import named, switch
from xnat_core.errors import (
    OperationError,
    ResourceExistsError,
    ResourceNotFoundError,
    XNATCtlError,
)
from xnat_core.models import Subject, children
from xnat_core.services.base import (
    BaseService,
    Rows,
    columns_of,
    delete,
    document,
    first,
)
from xnat_core.services.by_id import experiment_rows, subject_meant
from xnat_core.services.lookup import (
    SESSION_COLUMNS,
    SUBJECT_COLUMNS,
    find_subject,
    identifier_of,
    subject_of_row,
    subjects_in,
)
from xnat_core.services.merge import merge as merge_into
from xnat_core.services.once import ask_and_see
from xnat_core.services.relabel import relabel
from xnat_core.services.renames import Rename, compile_pattern, expand, plan_renames
from xnat_core.services.routes import require_own_route
from xnat_core.urls import path
from xnat_core.validation import validate_lookup, validate_subject_label
from xnat_core.wording import counted

if TYPE_CHECKING:
    from xnat_core.client import XNATClient

Subjects = list[Subject]


class SubjectNotEmptyError(OperationError, RuntimeError):
    """The subject has sessions, which a delete would take with it."""


class SubjectService(BaseService):
    """Lists, makes, renames, merges and removes subjects."""

    def list(
        self,
        project: str | None = None,
        limit: int | None = None,
        columns: Iterable[str] | str | None = None,
    ) -> Subjects:
        """The subjects of a project, or of the whole server."""
        columns = columns_of(columns, SUBJECT_COLUMNS)
        if project is not None:
            return first(limit, subjects_in(self.client, project, columns))
        rows = self.client.rows(path("data", "subjects"), params={"columns": columns})
        return first(limit, (subject_of_row(row) for row in rows))

    def get(
        self,
        subject_id: str | None = None,
        project: str | None = None,
        *,
        subject: str | None = None,
    ) -> Subject:
        """One subject, by accession ID or, with a project, by label.

        Raises ResourceNotFoundError.
        """
        return find_subject(
            self.client, named(subject_id, subject, "subject_id", "subject"), project
        )

    def create(
        self,
        project: str,
        label: str,
        group: str | None = None,
        gender: str | None = None,
        yob: int | None = None,
    ) -> Subject:
        """Make a subject.

        Raises ResourceExistsError (the server would change the existing one) and
        ResourceNotFoundError for the project.
        """
        label = validate_subject_label(label)
        validate_lookup(project, "project")
        where = path("data", "projects", project, "subjects", label)
        if document(self.client, where, ("subject", label)) is not None:
            raise ResourceExistsError("subject", f"{project}/{label}")
        given = {"group": group, "gender": gender, "yob": yob}
        params = {name: arguments.field_value(value, name) for name, value in given.items()}
        ask_and_see(
            lambda: self.client.put(where, params=params, about=("project", project)),
            lambda: document(self.client, where, ("subject", label)) is not None,
        )
        return find_subject(self.client, label, project)

    def delete(
        self,
        subject_id: str | None = None,
        project: str | None = None,
        remove_files: bool = False,
        force: bool = False,
        *,
        subject: str | None = None,
    ) -> bool:
        """Delete a subject; in a project that only shares it, end the sharing.

        Raises SubjectNotEmptyError (a RuntimeError) when it has sessions and `force` is not given,
        and whatever kept the sessions from being listed: then nothing is deleted.
        """
        remove_files = switch(remove_files, "remove_files")
        force = switch(force, "force")
        found = self.get(subject_id, project, subject=subject)
        where = subject_path(found)
        require_own_route(self.client, where)
        if not force and (sessions := experiments_of(self.client, found)):
            raise SubjectNotEmptyError(
                "delete", f"subject {found.label!r} has {counted(len(sessions), 'session')}"
            )
        delete(self.client, where, ("subject", found.label), remove_files=remove_files)
        return True

    def rename(
        self,
        subject_id: str | None = None,
        new_label: str = "",
        project: str | None = None,
        *,
        subject: str | None = None,
    ) -> Subject:
        """Give a subject another label.

        Raises ResourceExistsError when the project has a subject of that label.
        """
        new_label = validate_subject_label(new_label)
        found = self.get(subject_id, project, subject=subject)
        if found.label == new_label:
            return found
        owner = found.project or ""
        if document(
            self.client, path("data", "projects", owner, "subjects", new_label), ("", new_label)
        ):
            raise ResourceExistsError("subject", f"{owner}/{new_label}")
        where = subject_path(found)
        require_own_route(self.client, where)
        relabel(self.client, where, ("subject", found.label), new_label)
        return subject_meant(self.client, found.id, None, owner)

    def rename_batch(
        self, project: str, mapping: Mapping[str, str], dry_run: bool = False
    ) -> dict[str, Any]:
        """Rename by a mapping from old to new labels; one failure does not stop the rest.

        Returns `renamed` (`from`, `to`), `skipped` (`label`, `reason`), `errors` (`label`,
        `error`) and `dry_run`.
        """
        arguments.mapping(mapping, "mapping")
        return self._rename_all(project, mapping, dry_run, merge_into_existing=False)

    def rename_pattern(
        self,
        project: str,
        match_pattern: str,
        to_template: str,
        dry_run: bool = False,
        merge: bool = False,
    ) -> dict[str, Any]:
        """Rename every subject whose whole label matches a pattern.

        The template takes `{1}`, `{2}` … for groups (empty when unmatched) and `{project}`. A label
        that exists already, or that several subjects would get, is skipped; with `merge` these
        subjects are merged into one. Returns as `rename_batch`, and `merged` (`from`, `to`).
        Raises ValidationError for a pattern that does not compile.
        """
        pattern = compile_pattern(match_pattern)
        arguments.text(to_template, "to_template")
        mapping = {
            subject.label: expand(to_template, found, project)
            for subject in subjects_in(self.client, project)
            if (found := pattern.fullmatch(subject.label))
        }
        return self._rename_all(project, mapping, dry_run, merge_into_existing=merge)

    def get_sessions(self, subject_id: str, project: str | None = None) -> Rows:
        """The rows of the subject's sessions, as the server writes them."""
        return sessions_of(self.client, find_subject(self.client, subject_id, project))

    def merge_subjects(
        self, project: str, source_label: str, target_label: str, dry_run: bool = False
    ) -> dict[str, Any]:
        """Move every session of the source to the target, then delete the empty source.

        Each move is read back, and the source is listed again before it is deleted; at the first
        doubt nothing is deleted. Returns `experiments_moved`, `source_deleted`, `experiments` (the
        labels), `source`, `target`, `dry_run`, and `reason` when the source was kept.
        Raises ResourceNotFoundError when either does not exist.
        """
        dry_run = switch(dry_run, "dry_run")
        source = find_subject(self.client, source_label, project)
        target = find_subject(self.client, target_label, project)
        return merge_into(self.client, source, target, dry_run=dry_run).to_dict()

    def _rename_all(
        self, project: str, mapping: Mapping[str, str], dry_run: bool, *, merge_into_existing: bool
    ) -> dict[str, Any]:
        dry_run = switch(dry_run, "dry_run")
        plan = plan_renames(
            (subject.label for subject in subjects_in(self.client, project)),
            mapping,
            merge_into_existing=switch(merge_into_existing, "merge"),
        )
        errors = []
        kept: set[str] = set()
        done: dict[str, list[dict[str, str]]] = {"renamed": [], "merged": []}
        for step in plan:
            if step.action == "skipped":
                continue
            try:
                if step.new in kept:
                    # The subject with that label has failed to get another one; to go on would
                    # merge this one into it.
                    raise ResourceExistsError("subject", f"{project}/{step.new}")
                if not dry_run:
                    self._apply(project, step)
                done[step.action].append({"from": step.old, "to": step.new})
            except XNATCtlError as error:
                kept.add(step.old)
                errors.append({"label": step.old, "error": error.message})
        skipped = [{"label": s.old, "reason": s.reason} for s in plan if s.action == "skipped"]
        return {**done, "skipped": skipped, "errors": errors, "dry_run": dry_run}

    def _apply(self, project: str, step: Rename) -> None:
        if step.action == "renamed":
            self.rename(step.old, step.new, project)
            return
        result = self.merge_subjects(project, step.old, step.new)
        if not result["source_deleted"]:
            raise OperationError("merge", str(result["reason"]))


def sessions_of(client: XNATClient, subject: Subject) -> Rows:
    """The rows of a subject's sessions in the project it was found in."""
    if not subject.project:
        raise ResourceNotFoundError("project of subject", subject.id)
    about = ("subject", subject.label)
    return [*experiment_rows(client, subject.project, subject.id, SESSION_COLUMNS, about)]


def experiments_of(client: XNATClient, subject: Subject) -> set[str]:
    """The accession IDs of all experiments that would be deleted with a subject.

    Not all are listed under it: a session that has been moved to another project is still the
    subject's, and is found in its document only. Raises ResourceNotFoundError.
    """
    found = {str(identifier_of(row)) for row in sessions_of(client, subject)}
    if subject.primary_project:
        return found  # Only the sharing would end.
    item = document(client, subject_path(subject), ("subject", subject.label))
    if item is None:
        # It was there a moment ago: what it has is not known, which is not that it has nothing.
        raise ResourceNotFoundError("subject", subject.label)
    return found | {str(child["ID"]) for child in children(item, "experiments/experiment")}


def subject_path(subject: Subject) -> str:
    """The route of a subject through its project, which is the one that changes it."""
    if not subject.project:
        raise ResourceNotFoundError("project of subject", subject.id)
    return path("data", "projects", subject.project, "subjects", subject.id)
