"""Where a file lies inside a downloaded archive.

The server derives entry names from URIs by replacing text, with the side effects that has; so does
this module.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .context import Context
from .model import Experiment, Resource, Scan
from .sources import Source


class Layout:
    """The naming rule of one download."""

    def __init__(
        self,
        context: Context,
        sources: Iterable[Source],
        *,
        scans_selected: bool,
        archive: str,
    ) -> None:
        parameters = context.parameters
        self._context = context
        self._structure = parameters.get("structure") or "default"
        self._scans_selected = scans_selected
        scans = (source.item for source in sources if isinstance(source.item, Scan))
        self._selected = {scan.id: scan.id + _suffix(scan, "-") for scan in scans}
        self._in_tar = archive != "zip"
        self._project = parameters.flag("projectIncludedInPath")
        self._subject = parameters.flag("subjectIncludedInPath")

    def name(self, source: Source, resource: Resource, path: str) -> str:
        """The entry name of one file."""
        match self._structure:
            case "legacy":
                inner = self._legacy(source, resource, path)
            case "improved":
                inner = self._improved(source, resource, path)
            case "simplified":
                inner = self._default(source, resource, path, typed=False)
                inner = inner.replace("/resources", "").replace("/files", "")
            case _:
                inner = self._default(source, resource, path, typed=self._scans_selected)
        return self._prefix(source) + inner

    def _prefix(self, source: Source) -> str:
        if source.session is None:
            return ""
        prefix = f"{source.project}/" if self._project else ""
        if self._subject and source.subject:
            prefix += f"{source.subject.label}/"
        return prefix

    def _default(self, source: Source, resource: Resource, path: str, *, typed: bool) -> str:
        uri = f"{source.uri}/resources/{resource.folder}/files/{path}"
        session = source.session
        if session is None:
            return f"{source.name}/resources/{resource.folder}/files/{path}"
        inside = uri[uri.index(f"/experiments/{session.id}") + len("/experiments/") :]
        if isinstance(source.item, Experiment) and source.item.session_id:
            inside = inside.replace(source.item.id, source.item.label)
        if typed and isinstance(source.item, Scan):
            # Every component that equals the id of a selected scan, wherever it stands.
            inside = "/".join(self._selected.get(part, part) for part in inside.split("/"))
        return inside.replace(session.id, session.label)

    def _improved(self, source: Source, resource: Resource, path: str) -> str:
        tail = f"{resource.folder}/{path}"
        match source.item:
            case Scan() as scan:
                return f"scans/{scan.id}{'' if self._in_tar else _suffix(scan, '_')}/{tail}"
            case Experiment(session_id=str(), label=label):
                return f"assessors/{label}/{tail}"
        if source.category == "reconstructions":
            return f"reconstructions/{source.name}/{tail}"
        return f"resources/{tail}"

    def _legacy(self, source: Source, resource: Resource, path: str) -> str:
        """The tree as it is on disk, from the session's directory on."""
        store = self._context.store
        file = store.resources.path(resource, path)
        if source.session is None:
            return f"{source.name}/{resource.folder}/{path}"
        top = store.session_directory(source.session).parent
        return file.relative_to(top).as_posix()


def _suffix(scan: Scan, separator: str) -> str:
    type = re.sub(r"\W", "_", str(scan.fields.get("type", "")))
    return f"{separator}{type}" if type else ""
