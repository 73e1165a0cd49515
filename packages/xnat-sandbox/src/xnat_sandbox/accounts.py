"""Accounts, roles, project groups and alias tokens."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from .database import Database, Row
from .item_rows import now
from .model import User

GROUPS = {"owner": "Owners", "member": "Members", "collaborator": "Collaborators"}

SCHEMA = """
CREATE TABLE IF NOT EXISTS account (
  number INTEGER PRIMARY KEY, login TEXT UNIQUE NOT NULL, password TEXT NOT NULL,
  first_name TEXT NOT NULL, last_name TEXT NOT NULL, email TEXT NOT NULL,
  enabled INTEGER NOT NULL, verified INTEGER NOT NULL, modified TEXT NOT NULL,
  last_login TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS account_role (
  login TEXT NOT NULL, role TEXT NOT NULL, PRIMARY KEY (login, role)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS membership (
  group_id TEXT NOT NULL, login TEXT NOT NULL, PRIMARY KEY (group_id, login)) WITHOUT ROWID;
"""


class Accounts:
    """Who exists, with which password, roles and groups."""

    def __init__(self, database: Database) -> None:
        self._db = database
        database.add_schema(SCHEMA)

    def user(self, login: str) -> User | None:
        """An account by login name."""
        found = self._db.row("SELECT * FROM account WHERE login=?", (login,))
        return _user(found) if found else None

    def find(self, key: str) -> User | None:
        """An account by login, number or e-mail address."""
        found = self._db.row(
            "SELECT * FROM account WHERE login=:key OR CAST(number AS TEXT)=:key OR email=:key",
            {"key": key},
        )
        return _user(found) if found else None

    def users(self) -> list[User]:
        """Every account in the order of creation."""
        return [_user(row) for row in self._db.rows("SELECT * FROM account ORDER BY number")]

    def add_user(
        self,
        login: str,
        password: str = "",
        *,
        first_name: str = "",
        enabled: bool = True,
        admin: bool = False,
    ) -> User:
        """Add an account, or overwrite the one of that login."""
        with self._db.transaction():
            self._db.execute(
                "INSERT INTO account (login, password, first_name, last_name, email, enabled,"
                " verified, modified, last_login) VALUES (?,?,?,?,?,?,TRUE,?,'')"
                " ON CONFLICT (login) DO UPDATE SET password=excluded.password,"
                " first_name=excluded.first_name, last_name=excluded.last_name,"
                " email=excluded.email, enabled=excluded.enabled, verified=excluded.verified,"
                " modified=excluded.modified",
                (
                    login,
                    _hash(password),
                    first_name or login,
                    login,
                    f"{login}@example.org",
                    enabled,
                    now(),
                ),
            )
            if admin:
                self.add_role(login, "Administrator")
        found = self.user(login)
        assert found is not None
        return found

    def update_user(self, login: str, **changes: str | bool) -> None:
        """Change columns of an account; `password` is given in clear."""
        if "password" in changes:
            changes["password"] = _hash(str(changes["password"]))
        sets = ",".join(f"{name}=?" for name in changes)
        sql = f"UPDATE account SET {sets}{',' if sets else ''} modified=? WHERE login=?"
        self._db.execute(sql, (*changes.values(), now(), login))

    def password_matches(self, login: str, password: str) -> bool:
        """Whether this is the password of the account."""
        row = self._db.row("SELECT password FROM account WHERE login=?", (login,))
        if row is None:
            return False
        salt, _, _ = row["password"].partition(":")
        return hmac.compare_digest(row["password"], _hash(password, salt))

    def logged_in(self, login: str) -> None:
        """Note the time of a successful login."""
        self._db.execute("UPDATE account SET last_login=? WHERE login=?", (now(), login))

    # Roles and groups

    def roles(self, login: str) -> list[str]:
        """Site-wide roles."""
        sql = "SELECT role FROM account_role WHERE login=? ORDER BY role"
        return [row["role"] for row in self._db.rows(sql, (login,))]

    def add_role(self, login: str, role: str) -> None:
        """Grant a role."""
        self._db.execute("INSERT OR IGNORE INTO account_role VALUES (?,?)", (login, role))

    def remove_role(self, login: str, role: str) -> None:
        """Take a role away."""
        self._db.execute("DELETE FROM account_role WHERE login=? AND role=?", (login, role))

    def groups(self, login: str) -> list[str]:
        """Group ids such as `P1_owner`."""
        sql = "SELECT group_id FROM membership WHERE login=? ORDER BY group_id"
        return [row["group_id"] for row in self._db.rows(sql, (login,))]

    def members(self, group_id: str) -> list[str]:
        """The logins in a group."""
        sql = "SELECT login FROM membership WHERE group_id=? ORDER BY login"
        return [row["login"] for row in self._db.rows(sql, (group_id,))]

    def join(self, login: str, group_id: str) -> None:
        """Put a user into a group; a user has one role per project, so the others end."""
        project, _, role = group_id.rpartition("_")
        with self._db.transaction():
            if role in GROUPS:
                for other in GROUPS:
                    self.leave(login, f"{project}_{other}")
            self._db.execute("INSERT OR IGNORE INTO membership VALUES (?,?)", (group_id, login))

    def leave(self, login: str, group_id: str) -> bool:
        """Take a user out of a group; False when not in it."""
        sql = "DELETE FROM membership WHERE group_id=? AND login=?"
        return self._db.change(sql, (group_id, login)) > 0

    def forget_project(self, project: str) -> None:
        """Remove the groups of a deleted project."""
        for role in GROUPS:
            self._db.execute("DELETE FROM membership WHERE group_id=?", (f"{project}_{role}",))


def _hash(password: str, salt: str = "") -> str:
    # Sandbox passwords protect nothing: one fast round keeps Basic authentication cheap.
    salt = salt or secrets.token_hex(8)
    return f"{salt}:{hashlib.sha256((salt + password).encode()).hexdigest()}"


def _user(row: Row) -> User:
    values = dict(row)
    del values["password"]
    return User(**{**values, "enabled": bool(row["enabled"]), "verified": bool(row["verified"])})
