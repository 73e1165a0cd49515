"""The store: everything the server keeps, in one data directory.

    archive/{project}/arc001/{session}/SCANS/{scan}/{resource}/...
    prearchive/  cache/  staging/  xnat.sqlite

Metadata live in SQLite, bytes in plain files. A module that keeps tables of its own registers them
with `store.database.add_schema`.
"""

from __future__ import annotations

from pathlib import Path

from .accounts import Accounts
from .database import Database
from .disk import Disk, safe_name
from .hierarchy import Hierarchy
from .model import Experiment, Owner, Project, Subject
from .preferences import Preferences, ToolConfigs
from .resources import Resources
from .settings import Settings, default_preferences
from .workflows import Workflows

DATABASE = "xnat.sqlite"


class Store:
    """Opens or creates a data directory; safe to use from many threads."""

    def __init__(self, root: Path, settings: Settings | None = None) -> None:
        settings = settings or Settings()
        root.mkdir(parents=True, exist_ok=True)
        self.settings = settings
        self.database = Database(root / DATABASE)
        self.disk = Disk(root, self.database)
        self.items = Hierarchy(self.database, settings.site_id)
        self.resources = Resources(self.database, self.disk, self.place)
        self.accounts = Accounts(self.database)
        self.workflows = Workflows(self.database)
        self.preferences = Preferences(self.database, default_preferences(settings))
        self.tools = ToolConfigs(self.database)
        if self.accounts.user("admin") is None:
            self.accounts.add_user("admin", "admin", first_name="Admin", admin=True)
            self.accounts.add_user("guest", enabled=False)

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    # Directories

    def session_directory(self, experiment: Experiment) -> Path:
        """Where an experiment (not an assessor) keeps its scans and resources."""
        names = (safe_name(experiment.project), experiment.arc, safe_name(experiment.label))
        return self.disk.archive.joinpath(*names)

    def place(self, owner: Owner) -> Path:
        """The directory that holds the resource folders of an owner."""
        match owner.kind:
            case "project":
                return self.disk.archive / safe_name(owner.key) / "resources"
            case "subject":
                subject = self.items.subject(owner.key)
                if subject is None:
                    raise LookupError(f"no subject {owner.key}")
                return self._subject_directory(subject)
            case "experiment":
                return self._experiment_place(self._experiment(owner.key))
            case "scan":
                scan = self.items.scan_number(owner.key)
                if scan is None:
                    raise LookupError(f"no scan {owner.key}")
                session = self.session_directory(self._experiment(scan.session_id))
                return session / "SCANS" / safe_name(scan.id)
            case "reconstruction":
                image = self.items.reconstruction_number(owner.key)
                if image is None:
                    raise LookupError(f"no reconstruction {owner.key}")
                session = self.session_directory(self._experiment(image.session_id))
                return session / "PROCESSED" / safe_name(image.id)

    # Changes that move files

    def rename_subject(self, subject: Subject, label: str, user: str) -> None:
        """Give a subject another label."""
        self._relocate_subject(subject, subject.project, label, user)

    def move_subject(self, subject: Subject, project: str, label: str, user: str) -> None:
        """Give a subject to another project; the old one keeps a share."""
        with self.database.transaction():
            self._swap_share(subject.id, subject.project, subject.label, project)
            self._relocate_subject(subject, project, label, user)

    def rename_experiment(self, experiment: Experiment, label: str, user: str) -> None:
        """Give an experiment another label."""
        self._relocate_experiment(experiment, experiment.project, label, user)

    def move_experiment(self, experiment: Experiment, project: str, label: str, user: str) -> None:
        """Give an experiment to another project; the old one keeps a share."""
        with self.database.transaction():
            self._swap_share(experiment.id, experiment.project, experiment.label, project)
            self._relocate_experiment(experiment, project, label, user)
            for assessor in self.items.assessors(experiment.id):
                self.items.update_experiment(assessor.id, project=project, user=user)

    # Deletes

    def delete_project(self, project: Project, *, remove_files: bool) -> None:
        """Remove a project and everything it owns."""
        with self.database.transaction():
            self.items.delete_project(project.id)
            self.accounts.forget_project(project.id)
            sql = "DELETE FROM resource WHERE owner_kind='project' AND owner_key=?"
            self.database.execute(sql, (project.id,))
            if remove_files:
                self.disk.remove_tree(self.disk.archive / safe_name(project.id))

    def delete_subject(self, subject: Subject, *, remove_files: bool) -> None:
        """Remove a subject and its experiments."""
        with self.database.transaction():
            for experiment in self.items.experiments_of_subject(subject.id):
                self.delete_experiment(experiment, remove_files=remove_files)
            if remove_files:
                self.disk.remove_tree(self._subject_directory(subject))
            self.items.delete_subject(subject.id)

    def delete_experiment(self, experiment: Experiment, *, remove_files: bool) -> None:
        """Remove an experiment or assessor."""
        with self.database.transaction():
            if remove_files:
                place = self._experiment_place(experiment)
                self.disk.remove_tree(place if experiment.session_id else place.parent)
            self.items.delete_experiment(experiment.id)

    def delete_scan(self, number: int, *, remove_files: bool) -> None:
        """Remove a scan."""
        with self.database.transaction():
            if remove_files:
                self.disk.remove_tree(self.place(Owner("scan", str(number))))
            self.items.delete_scan(number)

    def delete_reconstruction(self, number: int, *, remove_files: bool) -> None:
        """Remove a reconstruction."""
        with self.database.transaction():
            if remove_files:
                self.disk.remove_tree(self.place(Owner("reconstruction", str(number))))
            self.items.delete_reconstruction(number)

    def _experiment(self, id: str) -> Experiment:
        found = self.items.experiment(id)
        if found is None:
            raise LookupError(f"no experiment {id}")
        return found

    def _subject_directory(self, subject: Subject) -> Path:
        project = self.disk.archive / safe_name(subject.project)
        return project / "subjects" / safe_name(subject.label)

    def _experiment_place(self, experiment: Experiment) -> Path:
        if experiment.session_id:
            session = self.session_directory(self._experiment(experiment.session_id))
            return session / "ASSESSORS" / safe_name(experiment.label)
        return self.session_directory(experiment) / "RESOURCES"

    def _swap_share(self, item: str, source: str, label: str, target: str) -> None:
        """Turn the share in `target` into ownership and leave one in `source`."""
        self.items.unshare(item, target)
        self.items.share(item, source, label)

    def _relocate_subject(self, subject: Subject, project: str, label: str, user: str) -> None:
        with self.database.transaction():
            before = self._subject_directory(subject)
            self.items.update_subject(subject.id, label=label, project=project, user=user)
            self.disk.move_directory(before, self.place(Owner("subject", subject.id)))

    def _relocate_experiment(
        self, experiment: Experiment, project: str, label: str, user: str
    ) -> None:
        with self.database.transaction():
            before = self._tree(experiment)
            target = self.items.project(project)
            arc = target.current_arc if target and project != experiment.project else None
            self.items.update_experiment(
                experiment.id, label=label, project=project, arc=arc, user=user
            )
            self.disk.move_directory(before, self._tree(self._experiment(experiment.id)))

    def _tree(self, experiment: Experiment) -> Path:
        place = self._experiment_place(experiment)
        return place if experiment.session_id else place.parent
