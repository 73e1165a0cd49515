"""The same done to several objects, for programs: one failure does not stop the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from xnat_core.parallel import bounded_map

OnCount = Callable[[int, int], object]


@dataclass
class Many:
    """What became of them: names, and a text for each failure."""

    done: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def do_to_each(
    act: Callable[[str], None],
    names: Sequence[str],
    workers: int,
    told: OnCount | None,
    kind: str = "",
) -> Many:
    """Call `act` with every name, on `workers` threads.

    `told` gets how many are done and how many there are; what it raises ends the work. `kind`
    stands before the name in the texts.
    """
    many = Many()
    # Closed at once when `told` raises: a traceback that is kept would keep it going.
    with closing(bounded_map(act, names, workers=workers)) as outcomes:
        for count, outcome in enumerate(outcomes, 1):
            if outcome.error is None:
                many.done.append(outcome.item)
            else:
                many.failed.append(outcome.item)
                many.errors.append(f"{kind} {outcome.item}: {outcome.error.message}".lstrip())
            if told:
                told(count, len(names))
    return many
