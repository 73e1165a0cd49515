"""What an import that was given a key says about itself while it runs."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Literal

Status = Literal["PROCESSING", "COMPLETED", "FAILED", "WARNING"]
REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class Message:
    status: Status
    text: str
    terminal: bool = False


@dataclass(slots=True)
class Listener:
    """The messages of one import, for the user who started it."""

    user: str
    messages: list[Message] = field(default_factory=list)

    def say(self, status: Status, text: str, *, terminal: bool = False) -> None:
        self.messages.append(Message(status, text, terminal))

    @property
    def end(self) -> Message | None:
        """The last word, None while it runs."""
        return next((message for message in self.messages if message.terminal), None)


class Progress:
    """The listeners of one server; the oldest are forgotten."""

    def __init__(self) -> None:
        self._listeners: OrderedDict[tuple[str, str], Listener] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, user: str, key: str) -> Listener:
        """Begin to listen; without a key nobody will ask."""
        listener = Listener(user)
        if key:
            with self._lock:
                self._listeners[user, key] = listener
                while len(self._listeners) > REMEMBERED:
                    self._listeners.popitem(last=False)
        return listener

    def find(self, user: str, key: str) -> Listener | None:
        with self._lock:
            return self._listeners.get((user, key))
