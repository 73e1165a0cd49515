"""How a run goes: counts of subjects and experiments, and when it is enough of failures."""

from __future__ import annotations

from dataclasses import dataclass, field

from xnat_core.errors import XNATCtlError
from xnat_core.records import Record
from xnat_core.transfer_errors import TransferCircuitBreakerError
from xnat_transfer.state import Ends, Run


@dataclass(slots=True)
class _Subject:
    """A subject of which works are still under way."""

    open: int = 0
    failed: bool = False
    changed: bool = False


@dataclass(slots=True)
class Summary:
    """Counted as works complete. A subject has failed when anything of it has."""

    ends: Ends
    run: Run
    max_failures: int
    subjects_synced: int = 0
    subjects_failed: int = 0
    subjects_skipped: int = 0
    experiments_synced: int = 0
    errors: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """The subject of each work that is left for another run, by a bound."""
    _under_way: dict[str, _Subject] = field(default_factory=dict)
    _in_a_row: int = 0

    def expect(self, subject: str, works: int) -> None:
        """So many works will tell of this subject, some of which may have done so."""
        self._of(subject).open += works

    def take(
        self, subject: str, *, changed: bool, error: XNATCtlError | None, experiment: bool
    ) -> None:
        """One work of a subject is done.

        Raises TransferCircuitBreakerError when too many subjects in a row have failed.
        """
        known = self._of(subject)
        known.open -= 1
        known.changed |= changed
        known.failed |= error is not None
        self.experiments_synced += experiment and changed and error is None
        if error is not None:
            self.note(error)
        if known.open == 0:
            del self._under_way[subject]
            self._close(known)

    def take_record(self, subject: str, *, changed: bool, error: XNATCtlError | None) -> None:
        """One session is done that a record asked for.

        More may follow of any subject, so that subjects are counted at the end, and sessions
        stand for them where failures in a row are. Raises as `take`.
        """
        known = self._of(subject)
        known.changed |= changed
        known.failed |= error is not None
        self.experiments_synced += changed and error is None
        if error is not None:
            self.note(error)
        self._break_after(failed=error is not None)

    def leave(self, subject: str) -> None:
        """One work is left for another run. Safe from any thread."""
        self.left.append(subject)

    def finish(self) -> None:
        """No work is left."""
        left = set(self.left)
        for subject, known in self._under_way.items():
            if known.failed or subject not in left:
                self._add(known)
        self._under_way.clear()
        self._write()

    def note(self, error: XNATCtlError) -> None:
        """Remember that something went wrong."""
        self.errors.append(error.message)

    def record(self, *, dry_run: bool) -> Record:
        """The summary as it is printed."""
        return {
            "kind": "transfer",
            "server": self.ends.dest_url,
            "source": self.ends.source_url,
            "source_project": self.ends.source_project,
            "destination": self.ends.dest_url,
            "dest_project": self.ends.dest_project,
            "subjects_synced": self.subjects_synced,
            "subjects_failed": self.subjects_failed,
            "subjects_skipped": self.subjects_skipped,
            "experiments_synced": self.experiments_synced,
            **({"left": len(self.left)} if self.left else {}),
            "success": not self.errors,
            "dry_run": dry_run,
            "errors": self.errors,
        }

    def _of(self, subject: str) -> _Subject:
        return self._under_way.setdefault(subject, _Subject())

    def _close(self, subject: _Subject) -> None:
        self._add(subject)
        self._write()
        self._break_after(failed=subject.failed)

    def _add(self, subject: _Subject) -> None:
        if subject.failed:
            self.subjects_failed += 1
        elif subject.changed:
            self.subjects_synced += 1
        else:
            self.subjects_skipped += 1

    def _write(self) -> None:
        self.run.count(
            subjects_synced=self.subjects_synced,
            subjects_failed=self.subjects_failed,
            subjects_skipped=self.subjects_skipped,
            experiments_synced=self.experiments_synced,
        )

    def _break_after(self, *, failed: bool) -> None:
        self._in_a_row = self._in_a_row + 1 if failed else 0
        if self._in_a_row >= self.max_failures:
            raise TransferCircuitBreakerError(self._in_a_row, self.max_failures)
