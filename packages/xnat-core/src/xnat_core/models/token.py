"""Alias tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from xnat_core.models.base import Fact, Model


@dataclass(frozen=True)
class Token(Model):
    """A name and a secret that log in like a user, for some days."""

    kind: ClassVar[str] = "token"
    columns: ClassVar[tuple[str, ...]] = ("id", "username", "created_at", "expires_at")

    id: Annotated[str, Fact("Alias, which stands for the user name", names=("alias",))] = ""
    username: Annotated[str | None, Fact("User that it stands for", names=("xdatUserId",))] = None
    created_at: Annotated[str | None, Fact("When it was issued, UTC")] = None
    expires_at: Annotated[str | None, Fact("When it ends, UTC")] = None
    secret: Annotated[str | None, Fact("What stands for the password; only when asked for")] = None
    path: Annotated[str | None, Fact("File that alias and secret were written to")] = None
