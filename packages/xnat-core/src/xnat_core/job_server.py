"""The server that a command works with: which it is, who logs in, and the one client."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from xnat_core.errors import UsageError
from xnat_core.records import Record, RecordError

if TYPE_CHECKING:
    from xnat_core.client import XNATClient
    from xnat_core.commandline import Args
    from xnat_core.console import Console
    from xnat_core.targets import Target


class JobServer:
    """Connected on first use; `ask_password` asks on the terminal, None where there is none."""

    def __init__(
        self, args: Args, console: Console, ask_password: Callable[[str], str | None]
    ) -> None:
        self._args = args
        self._console = console
        self._ask_password = ask_password
        has_limit = args.has("--max-connections")
        self._max_connections = args.whole("--max-connections", least=1) if has_limit else None
        self._lock = threading.RLock()
        self._client: XNATClient | None = None
        self._named_by_record: str | None = None

    @cached_property
    def password(self) -> str | None:
        """The password given with the command; to be asked for before records are read."""
        if not self._args.has("--password-stdin"):
            return None
        if self._args.flag("--password-stdin"):
            return first_line()
        given = self._args.text("--password")
        if given is not None:
            self._console.warning(
                "--password can be read by everybody on this machine; use --password-stdin"
            )
        return given

    @cached_property
    def target(self) -> Target:
        """Server, login and settings of this run; raises ConfigurationError when there is none."""
        from xnat_core.targets import resolve

        return resolve(
            profile=self._args.text("--profile"),
            url=self._args.text("--url"),
            username=self._args.text("--username"),
            password=self.password,
            server_of_records=self._named_by_record,
        )

    def log_in_as(self, username: str) -> None:
        """Use this user where the command line, environment and profile name none."""
        self.__dict__["target"] = replace(self.target, username=username)

    def require(self, server: str) -> None:
        """Raise RecordError when a record is of another server than this run works with.

        Where the command line names no server, the first record decides which it is. Raises
        InvalidURLError for a record whose server is no URL; that one decides nothing.
        """
        from xnat_core.urls import same_server, server_url

        with self._lock:
            self._named_by_record = self._named_by_record or server_url(server)
            if not same_server(server, self.target.profile.url):
                raise RecordError(
                    f"the record is of {server}, this run is connected to {self.target.profile.url}"
                )

    def accept(self, record: Record) -> None:
        """See to it that a record is of this server, and that its `uri` is a path.

        Raises RecordError, AuthenticationError or InvalidURLError for one of another server.
        """
        if record.get("server"):
            self.require(str(record["server"]))
        if str(record.get("uri")).startswith(("http://", "https://")):
            from xnat_core.urls import below

            record["uri"] = below(self.target.profile.url, record["uri"])

    def client(self, threads: Callable[[], int]) -> XNATClient:
        """The client; `threads` tells how many will use it at once."""
        with self._lock:
            if self._client is None:
                from xnat_core.connect import connect

                self._client = connect(
                    self.target,
                    workers=threads(),
                    prompt=self._ask_password,
                    max_connections=self._max_connections,
                    reason=self._args.text("--reason"),
                )
            return self._client

    def close(self) -> None:
        """Leave the server; never raises for one that is gone."""
        if self._client is not None:
            self._client.close()
            self._client = None


def first_line() -> str:
    """The next line of standard input, read byte by byte: what follows it must stay unread."""
    line = b""
    while sys.stdin is not None and (byte := os.read(0, 1)) not in (b"", b"\n"):
        line += byte
    if not line.strip():
        raise UsageError("standard input is closed or empty: no password can be read from it")
    # What is not UTF-8 is kept as it is: a password that was not meant must not be tried.
    return line.decode("utf-8", "surrogateescape").rstrip("\r")
