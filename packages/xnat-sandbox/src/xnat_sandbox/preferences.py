"""Site preferences and tool configurations."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from .database import Database
from .item_rows import now

SCHEMA = """
CREATE TABLE IF NOT EXISTS preference (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tool_config (
  project TEXT NOT NULL, tool TEXT NOT NULL, path TEXT NOT NULL, version INTEGER NOT NULL,
  contents TEXT NOT NULL, status TEXT NOT NULL, user TEXT NOT NULL, created TEXT NOT NULL,
  reason TEXT NOT NULL, PRIMARY KEY (project, tool, path, version)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class ToolConfig:
    """One version of a tool's configuration; `project` is empty for the site's."""

    project: str
    tool: str
    path: str
    version: int
    contents: str
    status: str
    user: str
    created: str
    reason: str


class Preferences:
    """The site configuration: what somebody set, over the defaults."""

    def __init__(self, database: Database, defaults: dict[str, Any]) -> None:
        self._db = database
        self.defaults = defaults
        database.add_schema(SCHEMA)

    def get(self, key: str) -> Any:
        """One preference; KeyError when there is none of that name."""
        row = self._db.row("SELECT value FROM preference WHERE key=?", (key,))
        return json.loads(row["value"]) if row else self.defaults[key]

    def set(self, key: str, value: Any) -> None:
        """Set one preference."""
        self._db.execute("INSERT OR REPLACE INTO preference VALUES (?,?)", (key, json.dumps(value)))

    def all(self) -> dict[str, Any]:
        """Every preference."""
        rows = self._db.rows("SELECT key, value FROM preference")
        return {**self.defaults, **{row["key"]: json.loads(row["value"]) for row in rows}}


class ToolConfigs:
    """Versioned texts by project, tool and path."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def versions(self, project: str, tool: str, path: str) -> list[ToolConfig]:
        """All versions of one configuration, oldest first."""
        sql = "SELECT * FROM tool_config WHERE project=? AND tool=? AND path=? ORDER BY version"
        rows = self._db.rows(sql, (project, tool, path))
        return [ToolConfig(**dict(row)) for row in rows]

    def latest(self, project: str, tool: str, path: str) -> ToolConfig | None:
        """The version in force."""
        found = self.versions(project, tool, path)
        return found[-1] if found else None

    def tools(self, project: str) -> list[str]:
        """The tools that have a configuration."""
        sql = "SELECT DISTINCT tool FROM tool_config WHERE project=? ORDER BY tool"
        return [row["tool"] for row in self._db.rows(sql, (project,))]

    def paths(self, project: str, tool: str) -> list[str]:
        """The paths of one tool."""
        sql = "SELECT DISTINCT path FROM tool_config WHERE project=? AND tool=? ORDER BY path"
        return [row["path"] for row in self._db.rows(sql, (project, tool))]

    def put(
        self,
        project: str,
        tool: str,
        path: str,
        contents: str,
        *,
        user: str,
        status: str = "enabled",
        reason: str = "",
    ) -> None:
        """Add a version."""
        with self._db.transaction():
            latest = self.latest(project, tool, path)
            version = latest.version + 1 if latest else 1
            values = (project, tool, path, version, contents, status, user, now(), reason)
            self._db.execute("INSERT INTO tool_config VALUES (?,?,?,?,?,?,?,?,?)", values)
