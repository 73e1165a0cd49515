"""Alias tokens: a name and a secret that stand for a user for two days."""

from __future__ import annotations

import secrets
import string
import time
import uuid
from typing import Any

from werkzeug.wrappers import Request, Response

from .context import Context
from .database import Database, Row
from .responses import StatusError, json_body
from .routing import LIST, Routes

LIFETIME = 2 * 24 * 3600

SCHEMA = """
CREATE TABLE IF NOT EXISTS alias_token (
  id INTEGER PRIMARY KEY, alias TEXT UNIQUE NOT NULL, secret TEXT NOT NULL, login TEXT NOT NULL,
  created REAL NOT NULL);
"""

routes = Routes()


class Tokens:
    """The tokens that are alive."""

    def __init__(self, database: Database) -> None:
        self._db = database
        database.add_schema(SCHEMA)

    def issue(self, login: str) -> dict[str, Any]:
        """A new token of a user, as JSON."""
        letters = string.ascii_letters + string.digits
        secret = "".join(secrets.choice(letters) for _ in range(64))
        alias = str(uuid.uuid4())
        self._db.execute(
            "INSERT INTO alias_token (alias, secret, login, created) VALUES (?,?,?,?)",
            (alias, secret, login, time.time()),
        )
        row = self.find(alias)
        assert row is not None
        return _document(row)

    def of(self, login: str) -> list[dict[str, Any]]:
        """The tokens of a user."""
        sql = "SELECT * FROM alias_token WHERE login=? AND created>? ORDER BY id"
        return [_document(row) for row in self._db.rows(sql, (login, time.time() - LIFETIME))]

    def find(self, alias: str) -> Row | None:
        """A token that has not expired."""
        sql = "SELECT * FROM alias_token WHERE alias=? AND created>?"
        return self._db.row(sql, (alias, time.time() - LIFETIME))

    def login_of(self, alias: str, secret: str) -> str | None:
        """The user whom a pair of alias and secret stands for."""
        row = self.find(alias)
        if row is None or not secrets.compare_digest(row["secret"], secret):
            return None
        return str(row["login"])

    def invalidate(self, alias: str) -> None:
        """End a token."""
        self._db.execute("DELETE FROM alias_token WHERE alias=?", (alias,))


def _document(row: Row) -> dict[str, Any]:
    created = int(row["created"] * 1000)
    return {
        "alias": row["alias"],
        "secret": row["secret"],
        "xdatUserId": row["login"],
        "singleUse": False,
        "estimatedExpirationTime": created + LIFETIME * 1000,
        "id": row["id"],
        "enabled": True,
        "disabled": 0,
        "created": created,
        "timestamp": created,
    }


def _subject(context: Context, user: str) -> str:
    """The user a token call is about: oneself, or for administrators anybody."""
    if context.caller.is_guest:
        raise StatusError(403)
    if user and user != context.login and not context.caller.is_admin:
        raise StatusError(403)
    return user or context.login


@routes.data("/services/tokens/issue", "/services/tokens/issue/user/{user}", variants=LIST)
def issue(request: Request, context: Context, user: str = "") -> Response:
    """Issue a token."""
    return json_body(context.app.tokens.issue(_subject(context, user)))


@routes.data("/services/tokens/show", "/services/tokens/show/user/{user}", variants=LIST)
def show(request: Request, context: Context, user: str = "") -> Response:
    """List tokens."""
    return json_body(context.app.tokens.of(_subject(context, user)))


@routes.data("/services/tokens/validate/{alias}/{secret}", variants=LIST)
def validate(request: Request, context: Context, alias: str, secret: str) -> Response:
    """Tell whose token this is, if secret and alias belong together."""
    _own(context, alias)
    login = context.app.tokens.login_of(alias, secret)
    return json_body({"valid": login} if login else {})


@routes.data("/services/tokens/invalidate/{alias}", variants=LIST)
def invalidate(request: Request, context: Context, alias: str) -> Response:
    """End a token."""
    _own(context, alias)
    context.app.tokens.invalidate(alias)
    return json_body({"result": "OK"})


def _own(context: Context, alias: str) -> None:
    if context.caller.is_guest:
        raise StatusError(403)
    row = context.app.tokens.find(alias)
    if row is None:
        raise StatusError(404)
    if row["login"] != context.login and not context.caller.is_admin:
        raise StatusError(403)
