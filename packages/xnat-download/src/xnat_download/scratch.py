"""Temporary databases of SQLite: two megabytes in memory, the rest in a file without a name.

A session of 200,000 files costs no more memory than one of ten.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

from xnat_core.errors import OperationError


def database(schema: str) -> sqlite3.Connection:
    """A new one, for any thread that holds the caller's lock. Raises OperationError."""
    with disk_errors():
        opened = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        # One transaction without an end: there is nothing to be kept, and so nothing to be synced.
        opened.executescript(f"PRAGMA cache_size=-2000; PRAGMA journal_mode=OFF; {schema} BEGIN;")
    return opened


@contextlib.contextmanager
def disk_errors() -> Iterator[None]:
    """Errors of such a database as OperationError; mostly the folder for them is full."""
    try:
        yield
    except sqlite3.Error as error:
        raise OperationError("list", f"the temporary list of files: {error}") from error
