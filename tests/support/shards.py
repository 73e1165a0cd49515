"""Records to be split into shards, and the tool that does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Records = list[dict[str, Any]]
Run = Callable[..., tuple[int, Records, str]]


def scans(*sizes: int) -> Records:
    """Records of these sizes."""
    return [
        {"kind": "scan", "uri": f"/data/scans/{number}", "id": str(number), "size": size}
        for number, size in enumerate(sizes)
    ]
