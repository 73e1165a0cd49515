"""Commands and containers of the pretended Container Service."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

from .database import Database

SCHEMA = """
CREATE TABLE IF NOT EXISTS command (id INTEGER PRIMARY KEY AUTOINCREMENT, content TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS wrapper (
  id INTEGER PRIMARY KEY AUTOINCREMENT, command INTEGER NOT NULL, content TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS wrapper_enabled (
  wrapper INTEGER NOT NULL, project TEXT NOT NULL, enabled INTEGER NOT NULL,
  PRIMARY KEY (wrapper, project)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS container (
  id INTEGER PRIMARY KEY AUTOINCREMENT, project TEXT NOT NULL, user TEXT NOT NULL,
  content TEXT NOT NULL, stdout TEXT NOT NULL DEFAULT '', stderr TEXT NOT NULL DEFAULT '');
"""
DEMONSTRATION = {
    "name": "demo",
    "description": "Demonstration commands: one that works and one that does not.",
    "version": "1.0",
    "image": "busybox:latest",
    "type": "docker",
    "command-line": "echo #THRESHOLD#",
    "inputs": [{"name": "threshold", "type": "number", "default-value": "0.5"}],
    "xnat": [
        {
            "name": "demo-session",
            "description": "Succeeds on a session.",
            "contexts": ["xnat:imageSessionData"],
            "external-inputs": [{"name": "session", "type": "Session", "required": True}],
        },
        {
            "name": "demo-failing",
            "description": "Fails on a session.",
            "contexts": ["xnat:imageSessionData"],
            "external-inputs": [{"name": "session", "type": "Session", "required": True}],
        },
    ],
}
FINISHED = ("Complete", "Failed", "Killed")

Document = dict[str, Any]


class Containers:
    """What the plugin would keep in its tables."""

    def __init__(self, database: Database) -> None:
        self._db = database
        database.add_schema(SCHEMA)
        if self._db.row("SELECT 1 FROM command") is None:
            self.add_command(DEMONSTRATION)

    def commands(self) -> list[Document]:
        """Every command with its wrappers."""
        ids = self._db.rows("SELECT id FROM command ORDER BY id")
        return [found for row in ids if (found := self.command(row["id"]))]

    def command(self, id: int) -> Document | None:
        """One command; its wrappers are under `xnat`."""
        row = self._db.row("SELECT * FROM command WHERE id=?", (id,))
        if row is None:
            return None
        sql = "SELECT * FROM wrapper WHERE command=? ORDER BY id"
        wrappers = [
            {"id": one["id"], **json.loads(one["content"])} for one in self._db.rows(sql, (id,))
        ]
        return {"id": id, **json.loads(row["content"]), "xnat": wrappers}

    def add_command(self, sent: Document) -> int:
        """Keep a command, answer its id."""
        content = {key: value for key, value in sent.items() if key not in ("id", "xnat")}
        with self._db.transaction():
            sql = "INSERT INTO command (content) VALUES (?)"
            id = self._db.execute(sql, (json.dumps(content),))
            for wrapper in sent.get("xnat") or []:
                values = (id, json.dumps({k: v for k, v in wrapper.items() if k != "id"}))
                self._db.execute("INSERT INTO wrapper (command, content) VALUES (?,?)", values)
        return id

    def update_command(self, id: int, sent: Document) -> None:
        """Change a command; its wrappers stay."""
        row = self._db.row("SELECT content FROM command WHERE id=?", (id,))
        old = json.loads(row["content"]) if row else {}
        new = {key: value for key, value in sent.items() if key not in ("id", "xnat")}
        self._db.execute("UPDATE command SET content=? WHERE id=?", (json.dumps(old | new), id))

    def delete_command(self, id: int) -> None:
        """Remove a command; nothing happens when there is none."""
        with self._db.transaction():
            self._db.execute("DELETE FROM wrapper WHERE command=?", (id,))
            self._db.execute("DELETE FROM command WHERE id=?", (id,))

    def wrapper(self, key: str) -> tuple[Document, Document] | None:
        """A command and its wrapper, by the wrapper's id or name."""
        for command in self.commands():
            for wrapper in command["xnat"]:
                if key in (str(wrapper["id"]), wrapper["name"]):
                    return command, wrapper
        return None

    def enabled(self, wrapper: int, project: str) -> bool:
        """Whether a wrapper may be used in a project, or (without one) on the site."""
        sql = "SELECT enabled FROM wrapper_enabled WHERE wrapper=? AND project=?"
        row = self._db.row(sql, (wrapper, project))
        return bool(row["enabled"]) if row else True

    def enable(self, wrapper: int, project: str, enabled: bool) -> None:
        """Allow a wrapper, or forbid it."""
        sql = "INSERT OR REPLACE INTO wrapper_enabled VALUES (?,?,?)"
        self._db.execute(sql, (wrapper, project, enabled))

    def containers(self, project: str = "") -> list[Document]:
        """The containers of a project or of the site, oldest first."""
        sql = "SELECT * FROM container WHERE :project='' OR project=:project ORDER BY id"
        rows = self._db.rows(sql, {"project": project})
        return [{"id": row["id"], **json.loads(row["content"])} for row in rows]

    def container(self, id: int) -> Document | None:
        """One container."""
        row = self._db.row("SELECT * FROM container WHERE id=?", (id,))
        return {"id": id, **json.loads(row["content"])} if row else None

    def add_container(self, project: str, user: str, content: Document) -> int:
        """Keep a container, answer its id."""
        sql = "INSERT INTO container (project, user, content) VALUES (?,?,?)"
        return self._db.execute(sql, (project, user, json.dumps(content)))

    def proceed(self, id: int, status: str, *, stdout: str = "", stderr: str = "") -> bool:
        """Give a container a new status; False when it has come to its end already."""
        with self._db.transaction():
            found = self.container(id)
            if found is None or found["status"].startswith(FINISHED):
                return False
            entry = history_entry(status, found["user-id"])
            found["history"].append(entry)
            found |= {"status": status, "status-time": entry["time-recorded"]}
            del found["id"]
            sql = "UPDATE container SET content=?, stdout=stdout||?, stderr=stderr||? WHERE id=?"
            self._db.execute(sql, (json.dumps(found), stdout, stderr, id))
        return True

    def log(self, id: int, name: str) -> str | None:
        """What a container wrote."""
        row = self._db.row("SELECT stdout, stderr FROM container WHERE id=?", (id,))
        return str(row[name]) if row else None

    def delete_container(self, id: int) -> None:
        """Forget a container."""
        self._db.execute("DELETE FROM container WHERE id=?", (id,))


def history_entry(status: str, user: str) -> Document:
    """One line of a container's history."""
    moment = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    return {
        "status": status,
        "time-recorded": moment,
        "message": "",
        "entity-type": "system",
        "external-timestamp": None,
        "user": user,
        "entity-id": None,
    }
