"""Resources and their catalogs: which files belong to which item."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from .database import Database, Row
from .disk import Disk, Staged, safe_name, safe_path, staged_file
from .model import FileEntry, Owner, Resource

SCHEMA = """
CREATE TABLE IF NOT EXISTS resource (
  number INTEGER PRIMARY KEY AUTOINCREMENT, owner_kind TEXT NOT NULL, owner_key TEXT NOT NULL,
  direction TEXT NOT NULL, label TEXT NOT NULL, format TEXT NOT NULL, content TEXT NOT NULL,
  tags TEXT NOT NULL, description TEXT NOT NULL, file_count INTEGER, file_size INTEGER);
CREATE INDEX IF NOT EXISTS resource_owner ON resource (owner_kind, owner_key);
CREATE TABLE IF NOT EXISTS file (
  resource INTEGER NOT NULL REFERENCES resource ON DELETE CASCADE, path TEXT NOT NULL,
  size INTEGER NOT NULL, digest TEXT NOT NULL, format TEXT NOT NULL, content TEXT NOT NULL,
  tags TEXT NOT NULL, PRIMARY KEY (resource, path)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS file_size ON file (resource, size);
"""


class Resources:
    """The catalogs of all items. `place` tells the directory that holds an owner's resources."""

    def __init__(self, database: Database, disk: Disk, place: Callable[[Owner], Path]) -> None:
        self._db = database
        self._disk = disk
        self._place = place
        database.add_schema(SCHEMA)

    def number(self, number: int) -> Resource | None:
        """A resource by its site-wide number."""
        found = self._db.row("SELECT * FROM resource WHERE number=?", (number,))
        return _resource(found) if found else None

    def find(self, owner: Owner, key: str) -> Resource | None:
        """A resource of one owner by what stands in a URL: digits are its number, whatever label
        they may be of another one."""
        return self._one(owner, "number", int(key)) if is_number(key) else self.labelled(owner, key)

    def labelled(self, owner: Owner, label: str) -> Resource | None:
        """A resource of one owner by its label."""
        return self._one(owner, "label", label)

    def _one(self, owner: Owner, column: str, value: str | int) -> Resource | None:
        sql = (
            "SELECT * FROM resource WHERE owner_kind=? AND owner_key=? AND direction=?"
            f" AND {column}=? ORDER BY resource.number"
        )
        found = self._db.row(sql, (owner.kind, owner.key, owner.direction, value))
        return _resource(found) if found else None

    def of(self, owner: Owner) -> list[Resource]:
        """The resources of one owner in the order of creation."""
        sql = (
            "SELECT * FROM resource WHERE owner_kind=? AND owner_key=? AND direction=?"
            " ORDER BY number"
        )
        rows = self._db.rows(sql, (owner.kind, owner.key, owner.direction))
        return [_resource(row) for row in rows]

    def create(
        self,
        owner: Owner,
        label: str,
        *,
        format: str = "",
        content: str = "",
        tags: str = "",
        description: str = "",
    ) -> Resource:
        """Add an empty resource; its counts are unknown until files come or somebody asks."""
        if label:
            safe_name(label)
        number = self._db.execute(
            "INSERT INTO resource (owner_kind, owner_key, direction, label, format, content,"
            " tags, description) VALUES (?,?,?,?,?,?,?,?)",
            (
                owner.kind,
                owner.key,
                owner.direction,
                label,
                format,
                content,
                tags,
                description,
            ),
        )
        found = self.number(number)
        assert found is not None
        return found

    def ensure(self, owner: Owner, label: str, *, format: str = "", content: str = "") -> Resource:
        """The resource of that label, created when absent."""
        with self._db.transaction():
            return self.labelled(owner, label) or self.create(
                owner, label, format=format, content=content
            )

    def delete(self, resource: Resource) -> None:
        """Remove a resource and its files."""
        with self._db.transaction():
            directory = self.directory(resource)
            self._db.execute("DELETE FROM resource WHERE number=?", (resource.number,))
            self._disk.remove_tree(directory)

    def directory(self, resource: Resource) -> Path:
        """Where the files of a resource are; it follows renames of the items above."""
        place = self._place(resource.owner)
        if resource.owner.direction == "in":
            place = place / "in"
        return place / safe_name(resource.folder)

    def path(self, resource: Resource, path: str) -> Path:
        """The place of one file."""
        return self.directory(resource) / safe_path(path)

    def files(self, resource: Resource) -> list[FileEntry]:
        """The catalog in path order."""
        sql = "SELECT * FROM file WHERE resource=? ORDER BY path"
        return [FileEntry(**dict(row)) for row in self._db.rows(sql, (resource.number,))]

    def stream_files(self, resource: Resource) -> Iterator[FileEntry]:
        """The catalog, one entry at a time."""
        sql = "SELECT * FROM file WHERE resource=? ORDER BY path"
        for row in self._db.stream(sql, (resource.number,)):
            yield FileEntry(**dict(row))

    def file(self, resource: Resource, path: str) -> FileEntry | None:
        """One entry by its exact path."""
        sql = "SELECT * FROM file WHERE resource=? AND path=?"
        found = self._db.row(sql, (resource.number, path))
        return FileEntry(**dict(found)) if found else None

    def put(
        self,
        resource: Resource,
        path: str,
        staged: Staged,
        *,
        format: str = "",
        content: str = "",
        tags: str = "",
        update_stats: bool = True,
    ) -> FileEntry:
        """Take over staged bytes under `path`, replacing what was there."""
        clean = safe_path(path)
        entry = FileEntry(resource.number, clean, staged.size, staged.digest, format, content, tags)
        target = self.path(resource, clean)
        with self._db.transaction():
            target.parent.mkdir(parents=True, exist_ok=True)
            staged.path.replace(target)
            self._write(entry)
            if update_stats:
                self.count(resource)
        return entry

    def put_bytes(self, resource: Resource, path: str, data: bytes) -> FileEntry:
        """`put` for content that is in memory already."""
        return self.put(resource, path, self._disk.stage([data]))

    def remove(self, resource: Resource, path: str, *, keep_bytes: bool = False) -> None:
        """Drop one entry, and its bytes unless told otherwise."""
        with self._db.transaction():
            sql = "DELETE FROM file WHERE resource=? AND path=?"
            self._db.execute(sql, (resource.number, path))
            self.count(resource)
            if not keep_bytes:
                target = self.path(resource, path)
                self._db.after_commit(lambda: target.unlink(missing_ok=True))

    def count(self, resource: Resource) -> None:
        """Compute and store the number and size of the files."""
        self._db.execute(
            "UPDATE resource SET (file_count, file_size) ="
            " (SELECT count(*), coalesce(sum(size), 0) FROM file WHERE resource=:number)"
            " WHERE number=:number",
            {"number": resource.number},
        )

    def refresh(
        self,
        resource: Resource,
        *,
        append: bool = True,
        delete: bool = True,
        checksum: bool = True,
        stats: bool = True,
    ) -> None:
        """Bring catalog and disk together: the catalog refresh, also the way to adopt a tree.

        With `append`, files that lie in the directory of the resource become entries.
        """
        directory = self.directory(resource)
        known = {entry.path: entry for entry in self.files(resource)}
        present = dict(_walk(directory)) if append or delete else {}
        with self._db.transaction():
            if delete:
                for path in known.keys() - present.keys():
                    sql = "DELETE FROM file WHERE resource=? AND path=?"
                    self._db.execute(sql, (resource.number, path))
            if append:
                for path in sorted(present.keys() - known.keys()):
                    known[path] = FileEntry(resource.number, path, present[path], "", "", "", "")
                    self._write(known[path])
            if checksum:
                for entry in known.values():
                    file = directory / entry.path
                    if not entry.digest and file.is_file():
                        staged = staged_file(file)
                        sql = "UPDATE file SET digest=?, size=? WHERE resource=? AND path=?"
                        values = (staged.digest, staged.size, resource.number, entry.path)
                        self._db.execute(sql, values)
            if stats:
                self.count(resource)

    def _write(self, entry: FileEntry) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO file VALUES (?,?,?,?,?,?,?)",
            (
                entry.resource,
                entry.path,
                entry.size,
                entry.digest,
                entry.format,
                entry.content,
                entry.tags,
            ),
        )


def is_number(key: str) -> bool:
    """Whether a server takes this for the number of a resource."""
    return key.isascii() and key.isdigit()


def _walk(directory: Path) -> Iterator[tuple[str, int]]:
    for file in directory.rglob("*"):
        # Catalog documents describe the folder; they are no content of it.
        if file.is_file() and not file.name.endswith("_catalog.xml"):
            yield file.relative_to(directory).as_posix(), file.stat().st_size


def _resource(row: Row) -> Resource:
    values = dict(row)
    owner = Owner(values.pop("owner_kind"), values.pop("owner_key"), values.pop("direction"))
    return Resource(owner=owner, **values)
