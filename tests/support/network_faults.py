"""What networks, proxies and tired servers do to a request or to its answer, by name in FAULTS.

What a fault chooses at random (where to cut, which byte) it takes from the chance it is given.
"""

from __future__ import annotations

import contextlib
import gzip
import random
import time
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from http.client import HTTPException

from support.exchanges import BLOCK, Exchange, Reply

ENDLESS = 64 << 20
SIGN_IN = (
    b"<!DOCTYPE html><html><head><title>XNAT</title></head><body>"
    b'<form action="/login" method="post"><input type="password" name="password"></form>'
    b"</body></html>"
)
PAGE = b"<html><body><h3>The site is being maintained.</h3></body></html>"

Fault = Callable[[Exchange, random.Random], None]


# What can happen. Before the server has seen the request:


def reset_at_once(exchange: Exchange, _: random.Random) -> None:
    """The request is read, and the connection breaks."""
    exchange.reset()


def reset_in_the_request(exchange: Exchange, chance: random.Random) -> None:
    """The server has a part of the body, and both connections break."""
    length = int(exchange.asked.header("content-length") or 0)
    if length:
        with contextlib.suppress(OSError, HTTPException):
            exchange.answer(most=chance.randrange(length))
    exchange.reset()


def turns_away(status: int, **headers: str) -> Fault:
    """A proxy answers for the server, which never hears of the request."""

    def fault(exchange: Exchange, _: random.Random) -> None:
        exchange.discard()
        exchange.send(Reply.of(status, b"<h3>not now</h3>", **headers))

    return fault


def says(body: bytes, kind: str = "text/html", status: int = 200, **headers: str) -> Fault:
    """The answer is something else, and the request got nowhere."""

    def fault(exchange: Exchange, _: random.Random) -> None:
        exchange.discard()
        exchange.send(Reply.of(status, body, kind, **headers))

    return fault


def later(exchange: Exchange, _: random.Random) -> None:
    """Come back at a date that is now."""
    turns_away(429, Retry_After=formatdate(time.time(), usegmt=True))(exchange, _)


# After the server has done what was asked:


def answer_is_lost(exchange: Exchange, _: random.Random) -> None:
    """The server has done it; nobody hears of it."""
    exchange.answer()
    exchange.reset()


def gateway_gives_up(exchange: Exchange, _: random.Random) -> None:
    """The server has done it; the proxy before it had no patience."""
    exchange.answer()
    exchange.send(Reply.of(504, b"<h3>gateway timeout</h3>"))


def delayed(exchange: Exchange, _: random.Random) -> None:
    """All is well, later."""
    reply = exchange.answer()
    time.sleep(0.2)
    exchange.send(reply)


def dripping(exchange: Exchange, _: random.Random) -> None:
    """All is well, in many small pieces."""
    wire = exchange.answer().wire
    size = -(-len(wire) // 40)
    for start in range(0, len(wire), size):
        exchange.send(wire[start : start + size])
        time.sleep(0.002)


def reset_in_the_answer(exchange: Exchange, chance: random.Random) -> None:
    """The connection breaks in the middle of the answer."""
    reply = exchange.answer()
    whole = reply.wire
    exchange.send(whole[: len(whole) - len(reply.body) + _cut(reply, chance)])
    exchange.reset()


def ends_early(exchange: Exchange, chance: random.Random) -> None:
    """Under 200 and its Content-Length the body ends early, as if it were all."""
    reply = exchange.answer()
    whole = replace(reply, length=len(reply.body))
    exchange.send(replace(whole, body=reply.body[: _cut(reply, chance)]))
    exchange.hang_up()


def chunks_end_early(exchange: Exchange, chance: random.Random) -> None:
    """Under 200 the chunks end properly before the body is all there, as XNAT does it."""
    reply = exchange.answer()
    exchange.send(replace(reply, length=None, body=reply.body[: _cut(reply, chance)]))


def corrupted(exchange: Exchange, chance: random.Random) -> None:
    """One byte of the answer is another."""
    reply = exchange.answer()
    spoilt = bytearray(reply.body)
    if spoilt:
        spoilt[chance.randrange(len(spoilt))] ^= 1 << chance.randrange(8)
    exchange.send(replace(reply, body=bytes(spoilt)))


def corrupted_on_its_way(exchange: Exchange, chance: random.Random) -> None:
    """One byte of the request's body is another when it arrives, in the last quarter of it.

    There are pixels, mostly: a header that has come to name another study makes data of which
    nobody can tell who wanted them.
    """
    length = int(exchange.asked.header("content-length") or 0)
    left = [length - 1 - chance.randrange(max(1, length // 4))]

    def change(block: bytes) -> bytes:
        at, left[0] = left[0], left[0] - len(block)
        if not 0 <= at < len(block):
            return block
        return block[:at] + bytes([block[at] ^ 1]) + block[at + 1 :]

    exchange.send(exchange.answer(change))


def longer_than_said(exchange: Exchange, _: random.Random) -> None:
    """Content-Length names less than what comes."""
    reply = exchange.answer()
    exchange.send(replace(reply, length=len(reply.body) // 2))
    exchange.hang_up()


def shorter_than_said(exchange: Exchange, _: random.Random) -> None:
    """Content-Length names more than what comes, and the connection ends."""
    reply = exchange.answer()
    exchange.send(replace(reply, length=len(reply.body) + 100))
    exchange.hang_up()


def bad_gzip(exchange: Exchange, _: random.Random) -> None:
    """The answer claims to be compressed, and its data are broken."""
    reply = exchange.answer()
    body = bytearray(gzip.compress(reply.body or b"nothing"))
    body[len(body) // 2] ^= 0xFF
    headers = [*reply.headers, ("Content-Encoding", "gzip")]
    exchange.send(replace(reply, headers=headers, body=bytes(body), length=len(body)))


def endless(exchange: Exchange, _: random.Random) -> None:
    """Behind the answer come blanks without an end: 64 MiB, then the connection breaks."""
    reply = exchange.answer()
    wire = replace(reply, length=None).wire
    exchange.send(wire.removesuffix(b"0\r\n\r\n"))
    blanks = b" " * BLOCK
    for _number in range(ENDLESS // BLOCK):
        exchange.send(b"%x\r\n%s\r\n" % (BLOCK, blanks))
    exchange.reset()


def _cut(reply: Reply, chance: random.Random) -> int:
    """Where a body is cut; never behind all of it, never in a head."""
    return chance.randrange(len(reply.body)) if reply.body else 0


FAULTS: dict[str, Fault] = {
    "reset at once": reset_at_once,
    "reset in the request": reset_in_the_request,
    "answer lost": answer_is_lost,
    "reset in the answer": reset_in_the_answer,
    "delay": delayed,
    "drip": dripping,
    "ends early": ends_early,
    "chunks end early": chunks_end_early,
    "shorter than said": shorter_than_said,
    "longer than said": longer_than_said,
    "bad gzip": bad_gzip,
    "endless": endless,
    "corrupt answer": corrupted,
    "corrupt request": corrupted_on_its_way,
    "500": turns_away(500),
    "502": turns_away(502),
    "503": turns_away(503),
    "503 with Retry-After": turns_away(503, Retry_After="0"),
    "504 after all": gateway_gives_up,
    "429 until a date": later,
    "400": turns_away(400),
    "401": turns_away(401),
    "to the login page": turns_away(302, Location="/app/template/Login.vm"),
    "login page": says(SIGN_IN),
    "another page": says(PAGE),
    "error text": says(b"error: something went wrong", "text/plain"),
    "nothing": says(b"", "text/plain"),
}
