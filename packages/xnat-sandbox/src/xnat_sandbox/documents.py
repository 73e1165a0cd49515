"""Items as trees: what the JSON and the XML document of an item are made from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from .model import (
    Experiment,
    Fields,
    Owner,
    Project,
    Reconstruction,
    Resource,
    Scan,
    Share,
    Subject,
    Value,
)
from .store import Store

# Elements that are items of their own, with their types; other nested elements are joined paths.
REFERENCES = {
    "demographics": "xnat:demographicData",
    "investigator": "xnat:investigatorData",
    "PI": "xnat:investigatorData",
}
_CUSTOM = re.compile(r"fields/field\[name=(.*)\]/field")


@dataclass(slots=True)
class Node:
    """One element: its own fields, and the groups of elements below it."""

    xsi_type: str
    fields: dict[str, Value]
    children: list[tuple[str, list[Node]]] = field(default_factory=list)
    inserted: str = ""
    history: bool = False

    def add(self, path: str, nodes: Iterable[Node]) -> None:
        """Put a group below, unless it is empty."""
        found = list(nodes)
        if found:
            self.children.append((path, found))


class Documents:
    """Builds the trees from the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def project(self, project: Project) -> Node:
        """A project with its aliases and resources; its subjects are not part of it."""
        node = _node("xnat:projectData", {"ID": project.id}, project.fields, project.inserted)
        node.add("aliases/alias", (_alias(alias) for alias in project.aliases))
        self._add_resources(node, Owner.of(project))
        return node

    def subject(self, subject: Subject) -> Node:
        """A subject with its experiments."""
        own = {"ID": subject.id, "project": subject.project, "label": subject.label}
        node = _node("xnat:subjectData", own, subject.fields, subject.inserted)
        self._add_shares(node, subject.id, "xnat:projectParticipant")
        found = self._store.items.experiments_of_subject(subject.id)
        node.add("experiments/experiment", (self.experiment(item) for item in found))
        self._add_resources(node, Owner.of(subject))
        return node

    def experiment(self, experiment: Experiment) -> Node:
        """An experiment with scans, reconstructions and assessors."""
        own: dict[str, Value] = {
            "ID": experiment.id,
            "project": experiment.project,
            "label": experiment.label,
        }
        if experiment.session_id:
            own["imageSession_ID"] = experiment.session_id
        elif experiment.subject_id:
            own["subject_ID"] = experiment.subject_id
        node = _node(experiment.xsi_type, own, experiment.fields, experiment.inserted)
        self._add_shares(node, experiment.id, "xnat:experimentData_share")
        items = self._store.items
        node.add("scans/scan", map(self.scan, items.scans(experiment.id)))
        images = map(self.reconstruction, items.reconstructions(experiment.id))
        node.add("reconstructions/reconstructedImage", images)
        node.add("assessors/assessor", map(self.experiment, items.assessors(experiment.id)))
        if experiment.session_id:
            self._add_files(node, experiment)
        else:
            self._add_resources(node, Owner.of(experiment))
        return node

    def scan(self, scan: Scan) -> Node:
        """A scan with its resources."""
        own: dict[str, Value] = {
            "ID": scan.id,
            "image_session_ID": scan.session_id,
            "xnat_imagescandata_id": scan.number,
        }
        node = _node(scan.xsi_type, own, scan.fields, scan.inserted)
        self._add_resources(node, Owner.of(scan), "file")
        return node

    def reconstruction(self, image: Reconstruction) -> Node:
        """A reconstruction with its input and output files."""
        own: dict[str, Value] = {
            "ID": image.id,
            "image_session_ID": image.session_id,
            "xnat_reconstructedimagedata_id": image.number,
        }
        node = _node("xnat:reconstructedImageData", own, image.fields, image.inserted)
        self._add_files(node, image)
        return node

    def resource(self, resource: Resource) -> Node:
        """A resource without its files."""
        return _resource(resource, self._uri(resource))

    def past(self, kind: str, key: str) -> list[Node]:
        """What a subject, experiment or scan was before its changes, without its children."""
        types = {"project": "xnat:projectData", "subject": "xnat:subjectData"}
        found = []
        for row in self._store.items.versions(kind, key):
            content = json.loads(row["content"])
            own = {"ID": content["id"]}
            own |= {name: content[name] for name in ("project", "label") if name in content}
            xsi_type = content.get("xsi_type", types.get(kind, ""))
            fields = json.loads(content["fields"])
            node = _node(xsi_type, own, fields, content["inserted"])
            node.history = True
            found.append(node)
        return found

    def _add_shares(self, node: Node, item: str, xsi_type: str) -> None:
        shares = self._store.items.shares(item)
        node.add("sharing/share", (_share(share, xsi_type) for share in shares))

    def _add_files(self, node: Node, item: Experiment | Reconstruction) -> None:
        for direction in ("in", "out"):
            self._add_resources(node, Owner.of(item, direction), f"{direction}/file")

    def _add_resources(self, node: Node, owner: Owner, path: str = "resources/resource") -> None:
        node.add(path, map(self.resource, self._store.resources.of(owner)))

    def _uri(self, resource: Resource) -> str:
        directory = self._store.resources.directory(resource)
        inside = directory.relative_to(self._store.disk.archive).as_posix()
        return f"/data/xnat/archive/{inside}/{resource.folder}_catalog.xml"


def java_date(timestamp: str) -> str:
    """A timestamp the way Java prints a Date."""
    moment = seconds_of(timestamp) if timestamp else datetime.now()
    return moment.strftime("%a %b %d %H:%M:%S UTC %Y")


def seconds_of(timestamp: str) -> datetime:
    """A timestamp without its fraction, which clients may have given any length."""
    return datetime.fromisoformat(timestamp[:19])


def _node(xsi_type: str, own: Mapping[str, Value], fields: Fields, inserted: str) -> Node:
    node = Node(xsi_type, dict(own), inserted=inserted)
    groups: dict[str, dict[str, Value]] = {}
    custom: list[Node] = []
    for path, value in fields.items():
        if value == "":
            continue
        head, slash, tail = path.partition("/")
        match = _CUSTOM.fullmatch(path)
        if match:
            entry: dict[str, Value] = {"name": match[1], "field": value}
            custom.append(Node(f"{xsi_type}_field", entry, inserted=inserted))
        elif slash and head in REFERENCES:
            groups.setdefault(head, {})[tail] = value
        else:
            node.fields[path] = value
    for name, values in groups.items():
        node.add(name, [Node(REFERENCES[name], values, inserted=inserted)])
    node.add("fields/field", custom)
    return node


def _alias(alias: str) -> Node:
    return Node("xnat:projectData_alias", {"alias": alias})


def _share(share: Share, xsi_type: str) -> Node:
    fields: dict[str, Value] = {"project": share.project}
    if share.label:
        fields["label"] = share.label
    key = "share_id" if xsi_type.endswith("_share") else "subject_id"
    return Node(xsi_type, fields | {key: share.number})


def _resource(resource: Resource, uri: str) -> Node:
    fields: dict[str, Value] = {
        "label": resource.label,
        "xnat_abstractresource_id": resource.number,
        "URI": uri,
        "format": resource.format,
        "content": resource.content,
        "description": resource.description,
    }
    if resource.file_count is not None and resource.file_size is not None:
        fields |= {"file_count": resource.file_count, "file_size": resource.file_size}
    present = {name: value for name, value in fields.items() if value != ""}
    return Node("xnat:resourceCatalog", present)
