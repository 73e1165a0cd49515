"""What the record of an object counts."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass
class Counts:
    """What happened to the files of an object; `bytes` are those that came over the network."""

    files: int = 0
    bytes: int = 0
    skipped: int = 0
    verified: int = 0
    unverifiable: int = 0
    surplus: int = 0
    failures: int = 0

    def add(self, other: Counts) -> None:
        """Add the counts of a part."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))

    def facts(self) -> dict[str, int]:
        """What the record tells: the first four always, the others when there are any."""
        always = ("files", "bytes", "skipped", "verified")
        told = ((f.name, getattr(self, f.name)) for f in fields(self) if f.name != "failures")
        return {name: count for name, count in told if count or name in always}
