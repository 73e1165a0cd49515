"""Keys of records that are named on the command line, and what to say when no record has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xnat_core.commandline import Args, Command, nearest
from xnat_core.errors import UsageError
from xnat_core.records import keys_of

_COMMON = frozenset(("outcome", "error", "seconds", "bytes", "files"))
# Keys about the change itself. Nobody means to choose by them what is to be changed.
_OF_CHANGES = frozenset(("kind", "outcome", "reason"))


class AskedKeys:
    """The keys of `--where`, `--filter`, `--columns` and `--sort-by` that no record has had yet.

    A misspelled one is no error, because the records of one stream may differ. But who gets an
    empty list, or an empty column, is told the reason; see `hint`.
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
        self.are_any = bool(self._tested or self._shown)
        self._first: Mapping[str, Any] = {}
        self._is_judged = not (command.listing and self._tested)

    def see(self, record: Mapping[str, Any]) -> None:
        """Take note of the keys of a record, whether it passes the tests or not."""
        if self._tested or self._shown:
            self._tested.difference_update(record)
            self._shown.difference_update(record)
            self._first = self._first or record

    def require_known(self, record: Mapping[str, Any]) -> None:
        """Raise UsageError when the first record that passes the tests does so only because a key
        in them is misspelled. Not for records that are only handed on.

        `qualty!=usable` is true of every scan, and the next tool of the pipeline may delete them.
        """
        if self._is_judged:
            return
        self._is_judged = True
        known = _possible(record)
        if len(known) > len(_COMMON):
            for key in sorted(self._tested - known):
                if near := nearest(key, sorted(known)):
                    raise UsageError(f"no {record['kind']} has {key!r}{near}")

    def hint(self, written: int) -> str | None:
        """A line about a key that no record had; None when there is nothing to explain.

        A key in a test explains why nothing was `written`, a column or a sort key why it is empty.
        Keys that records of this kind can have are no mistake, even if none of these has them.
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
