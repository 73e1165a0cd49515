"""What of a project is transferred: the rules of the configuration, asked one name at a time."""

from __future__ import annotations

from dataclasses import dataclass, field

SYNC_TYPES = ("all", "none", "include", "exclude")


@dataclass(frozen=True, slots=True)
class Choice:
    """A rule over names: all of them, none, only `items`, or all but `items`."""

    sync_type: str = "all"
    items: frozenset[str] = frozenset()

    def lets(self, name: str | None) -> bool:
        """Whether what has this name is transferred."""
        if self.sync_type in ("all", "none"):
            return self.sync_type == "all"
        return ((name or "") in self.items) == (self.sync_type == "include")


ALL = Choice()


@dataclass(frozen=True, slots=True)
class SessionRules:
    """What of the sessions of one type is transferred."""

    scan_types: Choice = ALL
    scan_resources: Choice = ALL
    resources: Choice = ALL
    session_assessors: Choice = ALL


WHOLE = SessionRules()


@dataclass(frozen=True, slots=True)
class Filtering:
    """What of a project is transferred."""

    project_resources: Choice = ALL
    subject_resources: Choice = ALL
    subject_assessors: Choice = ALL
    imaging_sessions: Choice = ALL
    rules: dict[str, SessionRules] = field(default_factory=dict)
    """By type of session."""

    def session_rules(self, xsi_type: str | None) -> SessionRules | None:
        """The rules for sessions of a type; None when they stay where they are."""
        if not self.imaging_sessions.lets(xsi_type):
            return None
        return self.rules.get(xsi_type or "", WHOLE)
