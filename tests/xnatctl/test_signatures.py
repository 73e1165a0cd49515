"""Every documented call can be made as documented: names, order and defaults of parameters."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

TABLE = [
    line.split(" ", 2)
    for line in (Path(__file__).parent / "signatures.txt").read_text().splitlines()
    if line and not line.startswith("#")
]


@pytest.mark.parametrize(
    ("module", "name", "documented"), TABLE, ids=[f"{m}.{n}" for m, n, _ in TABLE]
)
def test_the_signature_is_as_documented(module: str, name: str, documented: str) -> None:
    found: Any = import_module(f"xnatctl.{module}")
    for part in name.split("."):
        found = getattr(found, part)
    parameters = [p for n, p in inspect.signature(found).parameters.items() if n != "self"]
    namespace: dict[str, Any] = {}
    exec(f"def wanted{documented}: ...", namespace)
    wanted = list(inspect.signature(namespace["wanted"]).parameters.values())
    required = required_by(wanted)
    by_position = [p.name for p in wanted if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD][
        : len(by_position)
    ] == by_position
    known = {p.name: p for p in parameters}
    for parameter in wanted:
        ours = known[parameter.name]
        if parameter.default is not inspect.Parameter.empty:
            assert ours.default == parameter.default, parameter.name
    # What is documented as required may be optional here (another spelling can stand for it).
    assert required_by(parameters) <= required


def required_by(parameters: list[inspect.Parameter]) -> set[str]:
    return {
        p.name
        for p in parameters
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    }
