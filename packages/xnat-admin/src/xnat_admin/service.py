"""Administration, as the documented library has it: `xnatctl.services.admin`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from xnat_admin import catalogs, events, members, site
from xnat_core import arguments
from xnat_core.arguments import several
from xnat_core.errors import XNATCtlError
from xnat_core.services.base import BaseService
from xnat_core.services.lookup import find_session
from xnat_core.services.many import OnCount, do_to_each
from xnat_core.validation import validate_lookup, validate_workers

Dicts = list[dict[str, Any]]


class AdminService(BaseService):
    """Catalogs, users and their groups, the audit trail, the site configuration."""

    def refresh_catalogs(
        self,
        project: str,
        experiments: Iterable[str] | None = None,
        options: Iterable[str] | None = None,
        limit: int | None = None,
        parallel: bool = True,
        workers: int = 4,
        progress_callback: OnCount | None = None,
    ) -> dict[str, Any]:
        """Have the server look again at the files of the sessions of a project.

        `experiments` are labels or accession IDs, all when not given; `options` are `checksum`,
        `delete`, `append`, `populateStats`, all when not given. Returns `refreshed` and `failed`
        (labels), `errors` (texts) and `total`. The callback gets how many are done and how many
        there are. Raises ResourceNotFoundError for the project.
        """
        # Without a project all sessions of the server would be meant.
        validate_lookup(project, "project")
        chosen = catalogs.options_of(several(options or (), "options"))
        limit, at_once = arguments.limit(limit), validate_workers(workers) if parallel else 1
        arguments.callback(progress_callback)
        if experiments is None:
            known = {one.label: one for one in catalogs.sessions_of(self.client, project, limit)}
        else:
            known = {}
        asked = known if experiments is None else several(experiments, "experiments")
        names = list(dict.fromkeys(validate_lookup(one, "session") for one in asked))[:limit]

        def refresh(name: str) -> None:
            session = known.get(name) or find_session(self.client, name, project)
            catalogs.refresh(self.client, session, chosen)

        many = do_to_each(refresh, names, at_once, progress_callback)
        return {
            "refreshed": sorted(many.done),
            "failed": sorted(many.failed),
            "errors": many.errors,
            "total": len(names),
        }

    def add_user_to_groups(
        self,
        username: str,
        groups: Iterable[str],
        projects: Iterable[str] | None = None,
        role: str = "member",
    ) -> dict[str, list[str]]:
        """Put a user into groups, and into that of `role` in each of `projects`.

        Returns `added` (those that the user is in now), `failed` and `errors` (texts). Raises
        ResourceNotFoundError for the user: the server would invite an unknown one.
        """
        named = members.group_names(
            several(groups, "groups"), several(projects or (), "projects"), role
        )
        return _summed("added", members.change(self.client, username, named, join=True))

    def remove_user_from_groups(
        self, username: str, groups: Iterable[str], projects: Iterable[str] | None = None
    ) -> dict[str, list[str]]:
        """Take a user out of groups, and out of all groups of each of `projects`.

        Returns `removed` (those that the user is not in now), `failed` and `errors` (texts).
        """
        inside = members.groups_in(self.client, username, several(projects or (), "projects"))
        named = list(dict.fromkeys([*several(groups, "groups"), *inside]))
        return _summed("removed", members.change(self.client, username, named, join=False))

    def list_users(self, project: str | None = None) -> Dicts:
        """The users of the server, or the members of a project with their groups in it."""
        return [user.to_dict() for user in members.list_users(self.client, project)]

    def get_user(self, username: str) -> dict[str, Any]:
        """One account. Raises ResourceNotFoundError."""
        return members.find_user(self.client, username).to_dict()

    def audit_log(
        self,
        project: str | None = None,
        username: str | None = None,
        action: str | None = None,
        since: str | date | None = None,
        limit: int | None = 100,
    ) -> Dicts:
        """Who changed what, the newest first: `timestamp`, `user`, `action`, `resource`, `project`.

        `action` is a part of the action's name, `since` an age (`7d`) or a date. Raises
        OperationError where the server lets nobody ask for this without naming a project.
        """
        for given, name in ((username, "username"), (action, "action")):
            if given is not None:
                arguments.text(given, name)
        arguments.limit(limit)
        begin = events.since(since) if since is not None else None
        wanted = events.Wanted(username, action, begin)
        found = (
            events.of_project(self.client, project)
            if project is not None
            else events.of_server(self.client)
        )
        return [
            {**event.to_dict(), "resource": event.item}
            for event in events.newest(found, wanted, limit)
        ]

    audit_logs = audit_log

    def get_server_info(self) -> dict[str, Any]:
        """`url`, `status`, `version`, `latency_ms`, and of the build what is known."""
        return site.server_info(self.client)

    def get_site_config(self, key: str | None = None) -> Any:
        """The whole site configuration, or one value of it."""
        return site.site_config(self.client, key)

    def set_site_config(self, key: str, value: Any) -> bool:
        """Change one value of the site configuration and read it back."""
        site.set_site_config(self.client, key, value)
        return True


def _summed(name: str, outcomes: members.Outcomes) -> dict[str, list[str]]:
    errors = {group: one for group, one in outcomes.items() if isinstance(one, XNATCtlError)}
    return {
        name: [group for group in outcomes if group not in errors],
        "failed": list(errors),
        "errors": [f"{group}: {error.message}" for group, error in errors.items()],
    }
