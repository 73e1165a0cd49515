"""One request from beginning to end: login, retries, redirects, and what is no success."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xnat_core.errors import (
    AuthenticationError,
    NetworkError,
    OperationError,
    RetryExhaustedError,
    XNATCtlError,
)
from xnat_core.http import answers
from xnat_core.http.call import READING, Call, answered, may_repeat
from xnat_core.http.door import ServerDoor
from xnat_core.http.listings import Envelope
from xnat_core.http.retries import MAYBE_DONE, TURNED_AWAY, Failure, Retries
from xnat_core.http.transport import Transport
from xnat_core.login import Authenticator

if TYPE_CHECKING:
    from xnat_core.http.streams import Stream

_MOST_REDIRECTS = 10
_MOST_RENEWALS = 4
_VALID = "although the session is valid for other requests"
_CHECK_EVERY = 60.0
# What a guest may not see is not there for him; some routes of what is not there fail.
_HIDDEN = frozenset({403, 404, 500})
_CHECK_HIDDEN_EVERY = 2.0
# A proxy gave up: what the server does goes on, as whoever asked for it.
_NOT_KNOWN = MAYBE_DONE - {500}
# Lists of all that the user may see: a guest gets a shorter one.
_FOR_EACH_USER = re.compile(
    r"/(?:data|REST)(?:/archive)?/(?:projects|subjects|experiments|prearchive(?:/projects)?)/?"
)


@dataclass(frozen=True)
class _Signs:
    """What in an answer, that came `at` a time, makes it look like one for a guest.

    `another`: a new session beside ours, which some servers hand out without a reason. `hidden`:
    something that is hidden. `doubtful`: a list that is another one for each user, or a pause that
    was longer than a session lives.
    """

    at: float
    another: bool
    hidden: bool
    doubtful: bool


class Conversation:
    """What is said to one server, by all threads of a client."""

    def __init__(
        self, server: str, transport: Transport, retries: Retries, authenticator: Authenticator
    ) -> None:
        self.door = ServerDoor(server, transport, retries)
        self._server = server
        self._transport = transport
        self._retries = retries
        self._authenticator = authenticator
        # Who takes it has a place at the server first: who reads an answer has one, and may wait.
        self._lock = threading.Lock()
        self._identity_checked = self._false_alarm = float("-inf")
        self._answered = time.monotonic()  # When the session was used last.
        self._ended: str | None = None  # The session that was found to be a guest's.
        self._open_to_all: bool | None = None

    def ask(self, call: Call) -> Stream:
        """Send, log in again if need be, follow, and return a success or what `accept` names."""
        while True:
            pause = time.monotonic() - self._answered
            with _not_done():
                token = None if call.anonymous else self._authenticator.token(self.door)
                if token is not None and call.method not in READING:
                    token = self._somebodys(token, pause)
            response = self._exchange(call, token)
            try:
                shut_out = self._is_shut_out(call, response, token, pause)
            except BaseException:
                response.close()
                raise
            if shut_out:
                again = token is not None and token == call.refused_with
                refusal = self._refusal(call, response) if again else None
                response.close()
                with _not_done(), answered(call, response):
                    if refusal:
                        raise refusal
                    self._renew(call, token)
                continue
            if token is not None:
                self._answered = time.monotonic()
                self._authenticator.used(answers.lifetime_of(response))
            self._require_success(call, response)
            return response

    def close(self) -> None:
        """End a session that nobody else can use, and close the connections."""
        self._authenticator.close(self.door)
        self._transport.close()

    def _exchange(self, call: Call, token: str | None) -> Stream:
        """One request up the ladder, and behind the redirects that may be followed."""
        url = call.url
        for _ in range(_MOST_REDIRECTS):
            call.wire.prepared.url = url
            response = self._retries.run(
                call.operation,
                lambda: self._attempt(call, token),
                repeatable=call.repeatable,
                rewindable=call.wire.rewindable,
                accept=call.accept,
            )
            target = answers.redirect_of(response, url)
            if target is None or answers.leads_to_sign_in(target):
                return response
            # With another scheme or slash it is a proxy's, even where the server itself redirects.
            if response.status_code in call.accept and not answers.is_same_path(url, target):
                return response
            response.close()
            if not (may_repeat(call, response, target) and answers.may_follow(url, target)):
                raise answers.refused_redirect(self._server, call.operation, target)
            url = target
        raise NetworkError(self._server, f"{call.operation}: redirected in a circle")

    def _attempt(self, call: Call, token: str | None) -> Stream:
        """Send once. Raises Failure, also when the JSON that was wanted breaks off."""
        response = self._transport.send(call.wire, token)
        if call.wants_json and answers.is_half_json(response):
            raise Failure(Envelope(self._server, call.operation).cut_short())
        return response

    def _is_shut_out(self, call: Call, response: Stream, token: str | None, pause: float) -> bool:
        """Whether the server did not know us, so that it did not do what was asked either."""
        if call.anonymous:
            return False
        status = response.status_code
        if status not in call.accept:
            if status == 401 or answers.redirect_of(response, call.url):
                return True
            if status < 300 and answers.is_html(response):
                asks = answers.is_sign_in_page(response)
                if asks or call.wants_json or call.wire.stream:
                    return self._is_turned_away(call, token, asks=asks)
        return token is not None and self._became_nobody(call, response, token, pause)

    def _is_turned_away(self, call: Call, token: str | None, *, asks: bool) -> bool:
        """Whether a page under a good status says that we are not logged in.

        `asks`: it is seen to do so; of one that has not been read yet nobody knows.
        """
        is_file = "/files/" in call.path
        if asks and not (call.renewed and is_file):
            return True
        if call.wire.stream and token is not None and not (call.renewed or is_file):
            return True
        # Files may be pages, too: the server is asked before it is taken for a refusal.
        return asks if token is None else not self.door.is_alive(token)

    def _somebodys(self, token: str, pause: float) -> str:
        """A session to change something with, in place of one that may have ended unnoticed.

        What a guest changes is answered by success, too, and not done. Afterwards it would be too
        late: nobody knows what may be asked for twice.
        """
        # In this order: what has ended is noted before there is another one.
        if not (self._is_unchecked() or self._is_too_long(pause) or token == self._ended):
            return token
        with self._transport.turn(), self._lock:
            doubtful = self._is_unchecked() or (self._is_too_long(pause) and self._is_open_to_all())
            if doubtful and token != self._ended:
                self._note(token, ended=self.door.is_nobody(token))
            ended = token == self._ended
        return self._instead_of(token) if ended else token

    def _note(self, token: str, *, ended: bool) -> None:
        """Take note of what the server said of a session; under the lock.

        Other threads may be about to change something with it.
        """
        if ended:
            self._ended = token
        else:
            self._identity_checked = time.monotonic()

    def _instead_of(self, token: str | None) -> str:
        another = self._authenticator.renew(self.door, token)
        if another == self._ended:
            self._ended = None  # The server knows it after all.
        return another

    def _is_too_long(self, pause: float) -> bool:
        return pause > self._authenticator.lifetime

    def _is_unchecked(self) -> bool:
        """Whether the session was found, and the server has not said yet whose it is."""
        never = self._identity_checked == float("-inf")
        return never and not self._authenticator.has_logged_in

    def _became_nobody(self, call: Call, response: Stream, token: str, pause: float) -> bool:
        """Whether a site that is open to all serves us as a guest, with fewer rows and no error."""
        status = response.status_code
        if not call.repeatable and (status < 400 or status in _NOT_KNOWN):
            return False  # A change that was made, or may be, must not be made again.
        signs = _Signs(
            time.monotonic(),
            another=answers.other_session(response, token),
            hidden=status in _HIDDEN,
            doubtful=self._is_too_long(pause)
            or (status < 300 and _FOR_EACH_USER.fullmatch(call.path) is not None),
        )
        may_be = self._is_another(signs) or self._is_doubtful(signs) or self._is_unchecked()
        if not may_be and token != self._ended:
            return False
        with self._transport.turn(), self._lock:
            if token == self._ended:
                return True
            # Looked at once more: others may have asked the server meanwhile.
            another = self._is_another(signs)
            anywhere = another or self._is_unchecked()
            if not (anywhere or (self._is_doubtful(signs) and self._is_open_to_all())):
                return False
            ended = self.door.is_nobody(token)
            self._note(token, ended=ended)
            if another and not ended:
                self._false_alarm = self._identity_checked
            return ended

    def _is_another(self, signs: _Signs) -> bool:
        """Whether there is a new session beside ours, and no such alarm was false lately."""
        return signs.another and signs.at - self._false_alarm >= _CHECK_EVERY

    def _is_doubtful(self, signs: _Signs) -> bool:
        """Whether the answer may be one for a guest, if the site serves guests."""
        unseen = signs.hidden and signs.at - self._identity_checked >= _CHECK_HIDDEN_EVERY
        return (unseen or signs.doubtful) and self._open_to_all is not False

    def _is_open_to_all(self) -> bool:
        """Whether guests are served; other sites answer 401 to a session that has ended."""
        if self._open_to_all is None:
            self._open_to_all = self.door.is_open()
        return self._open_to_all

    def _refusal(self, call: Call, response: Stream) -> XNATCtlError:
        """The error for what was refused twice with a session that the server knows."""
        if response.status_code == 401 and call.path.startswith("/xapi/"):
            # So routes of plug-ins tell of a missing right (the containers').
            error = answers.error_of(response, call.method, call.path, call.about, known=True)
            error.message += f" (401, {_VALID})"
            return error
        return AuthenticationError(self._server, f"{call.operation} was refused twice, {_VALID}")

    def _renew(self, call: Call, token: str | None) -> None:
        """Get a session for another attempt; several may end while one request is on its way."""
        if call.renewals == _MOST_RENEWALS:
            raise AuthenticationError(
                self._server,
                f"{call.operation} was refused again and again: every new session had ended; does "
                "something else log this user out?",
            )
        call.renewals += 1
        if self._instead_of(token) == token:
            call.refused_with = token
        if not call.wire.rewindable:
            raise AuthenticationError(
                self._server,
                f"{call.operation}: the session had ended, and the data cannot be sent twice; "
                "try again",
            )

    def _require_success(self, call: Call, response: Stream) -> None:
        status = response.status_code
        accepted = status in call.accept
        if not (accepted or 200 <= status < 300 or status >= 400 or call.anonymous):
            response.close()
            raise NetworkError(self._server, f"{call.operation}: {status} leads nowhere")
        if status == 206 and not accepted and "Range" not in call.wire.prepared.headers:
            response.close()
            raise NetworkError(self._server, f"{call.operation}: only a part was answered (206)")
        if status < 300 and call.method not in READING and answers.is_sign_in_page(response):
            with answered(call, response):
                raise AuthenticationError(
                    self._server, f"{call.operation} was answered by the page that asks to log in"
                )
        if status < 400 or accepted:
            return
        error = answers.error_of(response, call.method, call.path, call.about)
        response.close()
        retried = status in TURNED_AWAY or (call.repeatable and status in _NOT_KNOWN)
        if retried and self._retries.most and isinstance(error, OperationError):
            said = error.message.removeprefix(f"{error.operation}: ")
            exhausted = RetryExhaustedError(call.operation, self._retries.most + 1, said)
            exhausted.details = error.details
            raise exhausted
        raise error


@contextmanager
def _not_done() -> Iterator[None]:
    """Say of an error on the way to a session that what was asked for has not been done."""
    try:
        yield
    except XNATCtlError as error:
        error.not_done = True
        raise
