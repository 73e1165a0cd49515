"""Scans and reconstructions."""

from __future__ import annotations

import json

from .database import Row
from .item_rows import ItemRows, encode, existing, now
from .model import Fields, Reconstruction, Scan


class ScanRows(ItemRows):
    """The scans and reconstructions of sessions."""

    def scan(self, session_id: str, id: str) -> Scan | None:
        """A scan by its id in the session."""
        sql = "SELECT * FROM scan WHERE session_id=? AND id=?"
        found = self._db.row(sql, (session_id, id))
        return _scan(found) if found else None

    def scan_number(self, number: int | str) -> Scan | None:
        """A scan by its site-wide number."""
        found = self._db.row("SELECT * FROM scan WHERE number=?", (int(number),))
        return _scan(found) if found else None

    def scans(self, session_id: str) -> list[Scan]:
        """The scans of a session in the order of creation."""
        sql = "SELECT * FROM scan WHERE session_id=? ORDER BY number"
        return [_scan(row) for row in self._db.rows(sql, (session_id,))]

    def create_scan(
        self,
        session_id: str,
        id: str,
        xsi_type: str,
        *,
        fields: Fields | None = None,
        user: str = "admin",
    ) -> Scan:
        """Add a scan to a session."""
        sql = (
            "INSERT INTO scan (session_id, id, xsi_type, fields, inserted, insert_user)"
            " VALUES (?,?,?,?,?,?)"
        )
        self._db.execute(sql, (session_id, id, xsi_type, encode(fields or {}), now(), user))
        return existing(self.scan(session_id, id))

    def update_scan(self, number: int, *, fields: Fields, user: str = "admin") -> None:
        """Change fields of a scan."""
        self._update("scan", number, {}, fields, user)

    def delete_scan(self, number: int) -> None:
        """Remove a scan."""
        with self._db.transaction():
            self._db.execute("DELETE FROM scan WHERE number=?", (number,))
            self._forget_resources("scan", str(number))

    def reconstruction(self, session_id: str, id: str) -> Reconstruction | None:
        """A reconstruction by its id in the session."""
        sql = "SELECT * FROM reconstruction WHERE session_id=? AND id=?"
        found = self._db.row(sql, (session_id, id))
        return _reconstruction(found) if found else None

    def reconstruction_number(self, number: int | str) -> Reconstruction | None:
        """A reconstruction by its site-wide number."""
        found = self._db.row("SELECT * FROM reconstruction WHERE number=?", (int(number),))
        return _reconstruction(found) if found else None

    def reconstructions(self, session_id: str) -> list[Reconstruction]:
        """The reconstructions of a session."""
        sql = "SELECT * FROM reconstruction WHERE session_id=? ORDER BY number"
        return [_reconstruction(row) for row in self._db.rows(sql, (session_id,))]

    def create_reconstruction(
        self, session_id: str, id: str, *, fields: Fields | None = None, user: str = "admin"
    ) -> Reconstruction:
        """Add a reconstruction to a session."""
        sql = (
            "INSERT INTO reconstruction (session_id, id, fields, inserted, insert_user)"
            " VALUES (?,?,?,?,?)"
        )
        self._db.execute(sql, (session_id, id, encode(fields or {}), now(), user))
        return existing(self.reconstruction(session_id, id))

    def update_reconstruction(self, number: int, fields: Fields, user: str = "admin") -> None:
        """Change a reconstruction."""
        self._update("reconstruction", number, {}, fields, user)

    def delete_reconstruction(self, number: int) -> None:
        """Remove a reconstruction."""
        with self._db.transaction():
            self._db.execute("DELETE FROM reconstruction WHERE number=?", (number,))
            self._forget_resources("reconstruction", str(number))


def _scan(row: Row) -> Scan:
    return Scan(**{**dict(row), "fields": json.loads(row["fields"])})


def _reconstruction(row: Row) -> Reconstruction:
    return Reconstruction(**{**dict(row), "fields": json.loads(row["fields"])})
