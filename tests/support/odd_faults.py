"""What proxies do to the head of an answer; see `support.network_faults`."""

from __future__ import annotations

import random

from support.exchanges import Exchange
from support.network_faults import Fault


def hinted(exchange: Exchange, _: random.Random) -> None:
    """All is well, behind a hint that is no answer."""
    reply = exchange.answer()
    exchange.send(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n")
    exchange.send(reply)


def ends_in_its_head(exchange: Exchange, _: random.Random) -> None:
    """The answer ends behind its status, as if that were all."""
    exchange.send(exchange.answer().wire.partition(b"\n")[0] + b"\n")
    exchange.hang_up()


ODD_FAULTS: dict[str, Fault] = {"hint": hinted, "ends in its head": ends_in_its_head}
