"""Workflow rows: the trace that every change and every job leaves."""

from __future__ import annotations

import json
from typing import Any

from .database import Database, Row
from .item_rows import now
from .model import Workflow

SCHEMA = """
CREATE TABLE IF NOT EXISTS workflow (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, project TEXT NOT NULL,
  data_type TEXT NOT NULL, pipeline_name TEXT NOT NULL, status TEXT NOT NULL,
  launch_time TEXT NOT NULL, user TEXT NOT NULL, type TEXT NOT NULL, category TEXT NOT NULL,
  justification TEXT NOT NULL, comments TEXT NOT NULL, details TEXT NOT NULL,
  percent_complete TEXT NOT NULL, step_id TEXT NOT NULL, step_description TEXT NOT NULL,
  job_id TEXT NOT NULL, parameters TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS workflow_item ON workflow (id);
"""


class Workflows:
    """Rows of `wrk:workflowData`."""

    def __init__(self, database: Database) -> None:
        self._db = database
        database.add_schema(SCHEMA)

    def record(
        self,
        id: str,
        project: str,
        data_type: str,
        pipeline_name: str,
        *,
        user: str,
        status: str = "Complete",
        launch_time: str = "",
        **others: Any,
    ) -> Workflow:
        """Add a row about item `id`; `others` are further attributes of Workflow."""
        row = Workflow(
            0, id, project, data_type, pipeline_name, status, launch_time or now(), user, **others
        )
        values = (
            *(row.id, row.project, row.data_type, row.pipeline_name, row.status),
            *(row.launch_time, row.user, row.type, row.category, row.justification),
            *(row.comments, row.details, row.percent_complete, row.step_id),
            *(row.step_description, row.job_id, json.dumps(dict(row.parameters))),
        )
        marks = ",".join("?" * len(values))
        number = self._db.execute(f"INSERT INTO workflow VALUES (NULL,{marks})", values)
        found = self.row(number)
        assert found is not None
        return found

    def update(self, number: int, **changes: str) -> None:
        """Change attributes of a row."""
        sets = ",".join(f"{name}=?" for name in changes)
        self._db.execute(f"UPDATE workflow SET {sets} WHERE number=?", (*changes.values(), number))

    def row(self, number: int) -> Workflow | None:
        """One row by its number."""
        found = self._db.row("SELECT * FROM workflow WHERE number=?", (number,))
        return _workflow(found) if found else None

    def of_item(self, id: str) -> list[Workflow]:
        """The rows about one item, oldest first."""
        sql = "SELECT * FROM workflow WHERE id=? ORDER BY number"
        return [_workflow(row) for row in self._db.rows(sql, (id,))]


def _workflow(row: Row) -> Workflow:
    return Workflow(**{**dict(row), "parameters": json.loads(row["parameters"])})
