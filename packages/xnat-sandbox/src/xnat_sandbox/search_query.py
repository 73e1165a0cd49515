"""A search document, read and evaluated."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from .columns import (
    EXPERIMENT_COLUMNS,
    SUBJECT_COLUMNS,
    Column,
    Line,
    find_column,
    is_rooted,
    stored,
)
from .context import Context
from .database import Row
from .datatypes import known_type
from .listings import OWN_EXPERIMENTS, SUBJECT_ROWS
from .responses import StatusError
from .resultset import cell

Test = Callable[[Line], bool]

PROJECT = "xnat:projectData"
SUBJECT = "xnat:subjectData"
WORKFLOW = "wrk:workflowData"

_FIELD = "json_extract(p.fields, '$.\"{}\"')"
_COUNTED = ("mr", "ct", "pet", "ut")
_COUNTS = ", ".join(
    f"(SELECT nullif(count(*), 0) FROM experiment e WHERE e.project=p.id"
    f" AND e.xsi_type='xnat:{name}SessionData') AS proj_{name}_count"
    for name in _COUNTED
)
PROJECT_ROWS = f"""
SELECT p.id, p.id AS project, p.fields, p.inserted, p.insert_user, p.accessibility,
  {_FIELD.format("name")} AS name, {_FIELD.format("description")} AS description,
  {_FIELD.format("secondary_ID")} AS secondary_id, {_COUNTS},
  (SELECT group_concat(login, ' <br/> ') FROM membership WHERE group_id=p.id || '_owner')
  AS project_owners FROM project p
"""
WORKFLOW_ROWS = "SELECT *, '{}' AS fields FROM workflow"

# Display fields beside the aliases of the listings, by the names the search engine has for them.
SUBJECT_FIELDS: Mapping[str, Column] = {
    **{name.upper(): column for name, column in SUBJECT_COLUMNS.items() if name != "ID"},
    "SUBJECT_ID": SUBJECT_COLUMNS["ID"],
    "SUBJECT_LABEL": SUBJECT_COLUMNS["label"],
    "GENDER_TEXT": SUBJECT_COLUMNS["gender"],
    "HANDEDNESS_TEXT": SUBJECT_COLUMNS["handedness"],
}
EXPERIMENT_FIELDS: Mapping[str, Column] = {
    **{name.upper(): column for name, column in EXPERIMENT_COLUMNS.items()},
    "SESSION_ID": EXPERIMENT_COLUMNS["ID"],
    "EXPT_ID": EXPERIMENT_COLUMNS["ID"],
}
PROJECT_FIELDS = {
    name: Column(name, stored(column))
    for name, column in {
        "ID": "id",
        "NAME": "name",
        "DESCRIPTION": "description",
        "SECONDARY_ID": "secondary_id",
        "PROJECT_ACCESS": "accessibility",
        "INSERT_DATE": "inserted",
        "INSERT_USER": "insert_user",
        "PROJECT_OWNERS": "project_owners",
        **{f"PROJ_{name.upper()}_COUNT": f"proj_{name}_count" for name in _COUNTED},
    }.items()
}
WORKFLOW_FIELDS = {
    name: Column(name, stored(column))
    for name, column in {
        "WRK_WORKFLOWDATA_ID": "number",
        "ID": "id",
        "EXTERNALID": "project",
        "DATA_TYPE": "data_type",
        "PIPELINE_NAME": "pipeline_name",
        "STATUS": "status",
        "LAUNCH_TIME": "launch_time",
        "CREATE_USER": "user",
        "JUSTIFICATION": "justification",
    }.items()
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A column of the result."""

    key: str
    column: Column


def fields_of(xsi_type: str) -> Mapping[str, Column]:
    """The display fields of a type."""
    special = {PROJECT: PROJECT_FIELDS, SUBJECT: SUBJECT_FIELDS, WORKFLOW: WORKFLOW_FIELDS}
    return special.get(xsi_type, EXPERIMENT_FIELDS)


class Query:
    """A parsed search document."""

    def __init__(self, document: bytes) -> None:
        try:
            root = ET.fromstring(document)
        except ET.ParseError as error:
            raise StatusError(400, f"Unable to parse the search: {error}") from error
        name = _text(root, "root_element_name")
        self.root = WORKFLOW if name == WORKFLOW else known_type(name) or ""
        if not self.root:
            raise StatusError(500, f"Unknown element: {name}")
        self.shown = [*self._shown(root)]
        if not self.shown:
            fields = fields_of(self.root)
            self.shown = [Shown(key.lower(), column) for key, column in fields.items()]
        # The key of the root is part of every result, under a name of its own for each kind.
        key = {PROJECT: "id", SUBJECT: "subjectid"}.get(self.root, "session_id")
        if key not in [shown.key for shown in self.shown] and self.root != WORKFLOW:
            self.shown.append(Shown(key, Column(key, stored("id"))))
        wheres = [child for child in root if _local(child) == "search_where"]
        self._tests = [test for where in wheres if (test := self._set(where))]

    def rows(self, context: Context) -> Iterator[list[object]]:
        """The cells of the items that pass and that the caller may read."""
        for row in _rows(context, self.root):
            line = Line(row)
            readable = context.caller.reads_all or context.caller.may("read", row["project"])
            if readable and all(test(line) for test in self._tests):
                yield [shown.column.cell(line) for shown in self.shown]

    def _shown(self, root: ET.Element) -> Iterator[Shown]:
        for child in root:
            if _local(child) != "search_field":
                continue
            element, field = _text(child, "element_name"), _text(child, "field_ID")
            path = field if "/" in field else f"{element}/{field}"
            key = path.partition("/")[2].lower()
            if element.lower() != self.root.lower():
                key = f"{element.lower().replace(':', '_')}_{key}"
            column = self._column(path)
            yield Shown(key, column or Column(key, lambda line: ""))

    def _column(self, path: str) -> Column | None:
        element, _, field = re.sub(r"\.(?=[A-Z_]+$)", "/", path).partition("/")
        fields = fields_of(self.root)
        if element.lower() == SUBJECT.lower() and fields is EXPERIMENT_FIELDS:
            label = field.upper() in ("SUBJECT_LABEL", "LABEL")
            name = "subject_label" if label else "subject_id"
            if label or field.upper() in ("SUBJECT_ID", "ID"):
                return Column(name, stored(name))
        if field.upper() in fields:
            return fields[field.upper()]
        if field.upper() == "ID":
            return Column("ID", stored("id"))
        known = SUBJECT_COLUMNS if self.root == SUBJECT else EXPERIMENT_COLUMNS
        return find_column(f"{element}/{field}", known)

    def _set(self, element: ET.Element) -> Test | None:
        tests: list[Test] = []
        for child in element:
            if _local(child) == "criteria":
                tests.append(self._criterion(child))
            elif _local(child) == "child_set" and (inner := self._set(child)):
                tests.append(inner)
        if not tests:
            return None
        if element.get("method", "AND").upper() == "OR":
            return lambda line: any(test(line) for test in tests)
        return lambda line: all(test(line) for test in tests)

    def _criterion(self, element: ET.Element) -> Test:
        path = _text(element, "schema_field")
        column = self._column(path)
        if column is None:
            raise StatusError(500, f"Unknown field: {path}")
        operator = _text(element, "comparison_type").strip().upper() or "="
        wanted = _text(element, "value")
        return lambda line: _compare(cell(column.cell(line)), operator, wanted)


def _compare(value: str, operator: str, wanted: str) -> bool:
    if operator == "LIKE":
        pattern = ".*".join(re.escape(part) for part in wanted.split("%"))
        return re.fullmatch(pattern, value, re.IGNORECASE | re.DOTALL) is not None
    if operator == "IN":
        return value in [one.strip(" '()") for one in wanted.split(",")]
    if operator in ("IS NULL", "IS NOT NULL"):
        return (value == "") == (operator == "IS NULL")
    order = _order(value, wanted)
    match operator:
        case "!=" | "<>":
            return order != 0
        case ">":
            return order > 0
        case ">=":
            return order >= 0
        case "<":
            return order < 0
        case "<=":
            return order <= 0
    return order == 0


def _order(value: str, wanted: str) -> int:
    """-1, 0 or 1: as numbers where both are, as text otherwise."""
    try:
        difference = float(value) - float(wanted)
    except ValueError:
        return (value > wanted) - (value < wanted)
    return (difference > 0) - (difference < 0)


def _rows(context: Context, root: str) -> Iterator[Row]:
    database = context.store.database
    if root == PROJECT:
        yield from database.stream(PROJECT_ROWS)
    elif root == SUBJECT:
        yield from database.stream(SUBJECT_ROWS.format(label="s.label"))
    elif root == WORKFLOW:
        yield from database.stream(WORKFLOW_ROWS)
    else:
        for row in database.stream(OWN_EXPERIMENTS):
            if is_rooted(root, root, row["xsi_type"], row["session_id"]):
                yield row


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _text(element: ET.Element, name: str) -> str:
    found = next((child for child in element if _local(child) == name), None)
    return (found.text or "").strip() if found is not None else ""
