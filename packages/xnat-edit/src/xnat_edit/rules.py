"""What a rename is asked to do: one label, a list of labels, a pattern, a file of patterns."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xnat_core.errors import UsageError, ValidationError
from xnat_core.services.renames import compile_pattern, expand

if TYPE_CHECKING:
    from xnat_core.job import Job

_PLACE = re.compile(r"\{(?:\d+|project)\}")


@dataclass(frozen=True)
class Rule:
    """A pattern for whole labels and the template of the new ones; `project` None is any."""

    pattern: re.Pattern[str]
    template: str
    project: str | None = None

    def is_result(self, label: str, project: str) -> bool:
        """Whether a label already looks like what the template gives.

        A pattern that fits its own results, `(.*)` to `NEURO_{1}`, would otherwise give another
        result each time it is repeated. A template without a letter of its own tells nothing.
        """
        literal = _PLACE.sub("", self.template.replace("{project}", project))
        if not any(character.isalnum() for character in literal):
            return False
        parts = _PLACE.split(self.template.replace("{project}", project))
        return re.fullmatch(".*".join(map(re.escape, parts)), label) is not None


@dataclass(frozen=True)
class Rules:
    """Labels that are named one by one, or else rules of which the first that fits counts."""

    mapping: Mapping[str, str] | None = None
    patterns: tuple[Rule, ...] = ()

    def apply(self, labels: Iterable[str], project: str) -> tuple[dict[str, str], list[str]]:
        """New labels by the old ones, in their order; and the labels that need none any more."""
        if self.mapping is not None:
            return dict(self.mapping), []
        new: dict[str, str] = {}
        already: list[str] = []
        for label in labels:
            for rule in self.patterns:
                if rule.project not in (None, project):
                    continue
                if found := rule.pattern.fullmatch(label):
                    wanted = expand(rule.template, found, project)
                    if wanted != label and rule.is_result(label, project):
                        already.append(label)
                    else:
                        new[label] = wanted
                    break
        return new, already

    def only_project(self) -> str | None:
        """The project that a file of patterns is about; raises UsageError when it has several."""
        projects = sorted({rule.project for rule in self.patterns if rule.project})
        if len(projects) > 1:
            raise UsageError(
                f"the patterns are for several projects ({', '.join(projects)}): -P PROJECT"
            )
        return projects[0] if projects else None

    def require_for(self, project: str) -> None:
        """Raise UsageError when all patterns are for other projects, so that none can fit."""
        others = {rule.project for rule in self.patterns}
        if self.patterns and not others & {None, project}:
            known = ", ".join(sorted(filter(None, others)))
            raise UsageError(f"no pattern is for project {project}, but for {known}")


def rules_of(job: Job) -> Rules:
    """The rules of the command line. Raises UsageError unless there is exactly one kind."""
    args = job.args
    old, new = args.text("<old>"), args.text("<new>")
    old = None if old == "-" else old
    ways = ("--mapping", "--pattern", "--patterns-file")
    given = [way for way in ways if args.text(way) is not None] + (["OLD NEW"] if old else [])
    if len(given) != 1:
        known = "OLD NEW, --mapping FILE, --pattern RE with --to TEMPLATE, or --patterns-file FILE"
        raise UsageError(f"exactly one is needed of {known}")
    template = args.text("--to")
    if (template is not None) != (given == ["--pattern"]):
        raise UsageError("--pattern and --to go together")
    if old:
        if not new:
            raise UsageError("what is the new label?")
        return Rules({old: new})
    if given == ["--mapping"]:
        return Rules(_mapping(_path(job, "--mapping")))
    if given == ["--pattern"]:
        return Rules(patterns=(_rule(args.required("--pattern"), str(template), None),))
    return Rules(patterns=_rules(_path(job, "--patterns-file")))


def _path(job: Job, option: str) -> Path:
    job.args.required(option)
    found = job.args.path(option)
    assert found is not None
    return found


def _mapping(file: Path) -> dict[str, str]:
    data = _json(file)
    if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
        raise UsageError(f"{file}: must be a JSON object of old and new labels")
    return data


def _rules(file: Path) -> tuple[Rule, ...]:
    data = _json(file)
    entries = data.get("patterns") if isinstance(data, dict) else None
    if not isinstance(entries, list) or not entries:
        raise UsageError(f'{file}: must be {{"patterns": [{{"project", "match", "to"}}, …]}}')
    rules = []
    for number, entry in enumerate(entries, 1):
        texts = entry if isinstance(entry, dict) else {}
        if not all(isinstance(texts.get(key), str) for key in ("project", "match", "to")):
            raise UsageError(f"{file}: pattern {number} needs project, match and to")
        try:
            rules.append(_rule(texts["match"], texts["to"], texts["project"]))
        except ValidationError as error:
            raise UsageError(f"{file}: pattern {number}: {error.message}") from None
    return tuple(rules)


def _rule(pattern: str, template: str, project: str | None) -> Rule:
    compiled = compile_pattern(pattern)
    places = {int(number) for number in re.findall(r"\{(\d+)\}", template)}
    if unknown := sorted(number for number in places if number > compiled.groups):
        raise ValidationError(
            f"template {template!r}: the pattern has no group {unknown[0]}", "template", template
        )
    return Rule(compiled, template, project)


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes(), object_pairs_hook=_once)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: not JSON: {error}") from None
    except ValueError as error:
        raise UsageError(f"{file}: {error}") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are there once: of two new labels one would be dropped in silence."""
    found = dict(pairs)
    if len(found) != len(pairs):
        doubled = next(key for key, _ in pairs if sum(key == other for other, _ in pairs) > 1)
        raise ValueError(f"{doubled!r} is there twice")
    return found
