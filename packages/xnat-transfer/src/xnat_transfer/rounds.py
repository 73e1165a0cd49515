"""Look, bring what is missing, look again: until the destination holds what the source does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from xnat_core.bounds import Begin
from xnat_core.lagging import look_until
from xnat_core.parallel import check_stop
from xnat_core.transfer_errors import TransferVerificationError
from xnat_core.wording import counted
from xnat_transfer.contents import Contents
from xnat_transfer.difference import Amount, Difference

ROUNDS = 2


@dataclass(slots=True)
class Result:
    """What came of one item: how much was sent, how much there is, what a person should know."""

    wanted: Amount = field(default_factory=Amount)
    sent: Amount = field(default_factory=Amount)
    changed: bool = False
    verified: bool = False
    notes: list[str] = field(default_factory=list)


class Item(Protocol):
    """Something that is transferred as one."""

    @property
    def name(self) -> str:
        """How messages call it."""

    def look(self) -> tuple[Contents, Difference]:
        """List both sides."""

    @property
    def is_due(self) -> bool:
        """Whether something is to be done although no file is missing."""

    def bring(self, wanted: Contents, difference: Difference) -> Amount:
        """Do what the difference says; returns how much was sent. Raises what went wrong first."""


def converge(item: Item, *, verify: bool, begin: Begin) -> Result:
    """Bring an item to the destination; `begin` is called when there is something to bring.

    Raises what went wrong, and TransferVerificationError when all went well and the destination
    lacks something all the same.
    """
    result = Result()
    for round in range(ROUNDS):
        check_stop()
        wanted, difference = item.look() if round == 0 else _look_again(item)
        result.wanted = Amount(wanted.files, wanted.bytes)
        if difference.is_empty and not item.is_due:
            result.verified = True
            result.notes += notes_on(difference, wanted)
            return result
        begin()
        result.changed = True
        result.sent += item.bring(wanted, difference)
        if not verify:
            return result
    wanted, difference = _look_again(item)
    if not difference.is_empty:
        raise TransferVerificationError(item.name, _all(wanted), _lacking(difference))
    result.verified = True
    result.notes += notes_on(difference, wanted)
    return result


def _look_again(item: Item) -> tuple[Contents, Difference]:
    """List both sides when all has been sent; the destination's listings may lag behind."""
    return look_until(item.look, lambda seen: seen[1].is_empty)


def notes_on(difference: Difference, wanted: Contents) -> list[str]:
    """What a comparison could not prove."""
    notes = []
    if difference.unverifiable:
        notes.append(
            f"{counted(difference.unverifiable, 'file has', 'files have')} no MD5 on one of the "
            "servers: names and sizes were compared"
        )
    if difference.read:
        notes.append(
            f"{counted(difference.read, 'file has', 'files have')} no size and no MD5 that both "
            "servers list: read and compared"
        )
    if difference.altered:
        notes.append(
            "the destination rewrites DICOM (anonymization): "
            f"{counted(difference.altered, 'file')} compared by name"
        )
    if difference.counted:
        notes.append(
            f"{counted(difference.counted, 'file has', 'files have')} other names and other bytes "
            "there: the number was compared"
        )
    if wanted.reconstructions:
        notes.append(
            f"{counted(wanted.reconstructions, 'file')} of reconstructions not transferred"
        )
    return notes


def _all(wanted: Contents) -> str:
    return counted(wanted.files, "file")


def _lacking(difference: Difference) -> str:
    files = difference.amount.files
    return f"{files} of them missing or different after {ROUNDS} rounds ({difference.first()})"
