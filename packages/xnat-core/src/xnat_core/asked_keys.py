"""Keys of records that are named on the command line, and what to say when no record has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xnat_core.commandline import Args, Command, nearest
from xnat_core.errors import UsageError
from xnat_core.records import keys_of

_COMMON = frozenset(("outcome", "error", "seconds", "bytes", "files"))
# What tells of a change itself; nobody chooses by that what is to be changed.
_OF_CHANGES = frozenset(("kind", "outcome", "reason"))


class AskedKeys:
    """The keys of `--where`, `--filter`, `--columns` and `--sort-by` that no record has had yet.

    A misspelled one is no error: the records of one stream may differ. But it is a riddle.
    """

    def __init__(self, args: Args, command: Command) -> None:
        self._tested = keys_of(
            args.texts("--where"), args.texts("--filter") if command.listing else ()
        )
        if command.changes:
            require_all_shown(args)
        self._shown = set(columns_of(args))
        if command.listing and (sorting := args.text("--sort-by")):
            self._shown.add(sorting.partition(":")[0])
        self._first: Mapping[str, Any] = {}
        self._is_judged = not (command.listing and self._tested)

    def see(self, record: Mapping[str, Any]) -> None:
        """Take note of the keys of a record, whether it passes the tests or not."""
        if self._tested or self._shown:
            self._tested.difference_update(record)
            self._shown.difference_update(record)
            self._first = self._first or record

    def require_known(self, record: Mapping[str, Any]) -> None:
        """Raise UsageError when the first record that passes, and is not one that was only handed
        on, does so for want of a misspelled key.

        `qualty!=usable` is true of every scan, and the tool behind may delete them.
        """
        if self._is_judged:
            return
        self._is_judged = True
        known = _possible(record)
        if len(known) > len(_COMMON):
            for key in sorted(self._tested - known):
                if near := nearest(key, sorted(known)):
                    raise UsageError(f"no {record['kind']} has {key!r}{near}")

    def riddle(self, written: int) -> str | None:
        """A line on a key that no record had; None when that explains nothing.

        A test explains that nothing was `written`; a column or a sort key, that it is empty. Keys
        that such records can have are right, even if none has them.
        """
        if not self._first:
            return None
        missing = self._shown - _possible(self._first) if written else self._tested
        if not missing:
            return None
        key = min(missing)
        near = nearest(key, list(self._first))
        return f"no record has {key!r}{near or ': ' + ', '.join(self._first)}"


def _possible(record: Mapping[str, Any]) -> frozenset[str]:
    """The keys that records of its kind can have."""
    from xnat_core.models import kinds

    model = kinds().get(str(record.get("kind")))
    return _COMMON | ({key.key for key in model.record_keys()} if model else set())


def require_all_shown(args: Args) -> None:
    """Raise UsageError for a `--where` that looks like a choice of what is to be changed.

    It chooses what is printed. A dry run would show only that, and the run change all the rest.
    """
    keys = keys_of(args.texts("--where")) - _OF_CHANGES
    if keys:
        raise UsageError(
            f"--where {min(keys)}: it chooses what is printed, not what is changed, and here takes "
            f"{', '.join(sorted(_OF_CHANGES))} only: choose with 'xnat-ls' or 'list', and pipe that"
        )


def columns_of(args: Args) -> tuple[str, ...]:
    """The keys that `--columns` names."""
    named = args.text("--columns") or ""
    return tuple(name.strip() for name in named.split(",") if name.strip())
