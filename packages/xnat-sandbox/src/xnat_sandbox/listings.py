"""Lists of subjects and experiments: columns, filters, paging."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from werkzeug.wrappers import Request, Response

from .columns import (
    EXPERIMENT_COLUMNS,
    SUBJECT_COLUMNS,
    Column,
    Line,
    find_column,
    is_rooted,
    requested,
    row_key_of,
    stored,
)
from .context import Context
from .database import Row
from .datatypes import ROOT, SUBJECT_ASSESSOR, known_type
from .filters import BadFilter, Test, value_test
from .lookup import PROJECT, SUBJECT, readable_project
from .responses import StatusError
from .resultset import ResultSet, answer, cell
from .routing import LIST, Routes

routes = Routes()

EXPERIMENT_ROWS = """
SELECT e.id, {project} AS project, {label} AS label, e.xsi_type, e.fields, e.inserted,
  e.insert_user, e.modified, e.subject_id, e.session_id, e.project AS owner,
  {subject_label} AS subject_label, s.project AS subject_project, s.fields AS subject_fields,
  x.label AS session_label, x.project AS session_project
FROM experiment e LEFT JOIN subject s ON s.id=e.subject_id
  LEFT JOIN experiment x ON x.id=e.session_id
"""
OWN_EXPERIMENTS = EXPERIMENT_ROWS.format(
    project="e.project", label="e.label", subject_label="s.label"
)
SHARED_EXPERIMENTS = EXPERIMENT_ROWS.format(
    project="h.project",
    label="coalesce(h.label, e.label)",
    subject_label="(SELECT coalesce(g.label, s.label) FROM share g"
    " WHERE g.item=s.id AND g.project=h.project)",
)
SUBJECT_ROWS = """
SELECT s.id, s.project, {label} AS label, s.fields, s.inserted, s.insert_user, s.modified,
  s.project AS owner, NULL AS session_id, 'xnat:subjectData' AS xsi_type FROM subject s
"""


@dataclass(slots=True)
class Listing:
    """A query and what is to be shown of it."""

    known: Mapping[str, Column]
    defaults: list[str]
    uri: str
    """The URI of a row, with `{id}` and `{session_id}` to be filled in."""
    root: str = ""
    title: str = ""
    row_key: str = ""
    pages: bool = True

    def answer(
        self, request: Request, context: Context, rows: Iterable[Row], *, check: bool = False
    ) -> Response:
        """The rows that pass the filters, in the columns asked for.

        With `check`, those of unreadable projects are taken out, after paging as on the server.
        """
        parameters = context.parameters
        if parameters.flag("fields"):
            keys = [(name, column.key) for name, column in self.known.items()]
            return answer(request, context, ResultSet(("key", "xpath"), keys))
        xsi_type = self._type(parameters.get("xsiType"))
        columns = self._columns(context)
        tests = self._tests(context)
        lines = self._kept(rows, xsi_type, columns, tests)
        page = _page(context) if self.pages else None
        if page:
            lines = islice(lines, page[0], page[1])
        if check and not context.caller.reads_all:
            lines = _readable(lines, context)
        cells = [[column.cell(line) for column in columns] for line in lines]
        if page:
            _sort(cells, columns, context)
        table = ResultSet(
            [column.key for column in columns],
            cells,
            title=self.title,
            total=None if page else len(cells),
        )
        return answer(request, context, table)

    def _type(self, text: str) -> str:
        if not text or not self.root:
            return ""
        found = known_type(text)
        if found is None:
            raise BadFilter(f"no such type: {text}")
        return found

    def _columns(self, context: Context) -> list[Column]:
        xsi_type = context.parameters.get("xsiType")
        text = context.parameters.get("columns")
        columns = requested(text or "DEFAULT", self.known, self.defaults)
        if self.row_key:
            columns.append(Column(row_key_of(xsi_type), stored("id")))
        elif self.root and not text:
            columns += [self.known[name] for name in _implied(xsi_type)]
        elif self.root and self.pages:
            # pyxnat relies on the type being there, whatever was asked for.
            columns.append(self.known["xsiType"])
        columns.append(Column("URI", lambda line: self.uri.format_map(line.row)))
        return list({column.key: column for column in columns}.values())

    def _tests(self, context: Context) -> list[tuple[Column, Test]]:
        tests = []
        for name, text in context.parameters.items():
            if name in ("columns", "format", "xsiType"):
                continue
            column = find_column(name, self.known)
            if column:
                tests.append((column, value_test(text, column.kind)))
            elif "/" in name:
                raise BadFilter(f"no such path: {name}")
        return tests

    def _kept(
        self,
        rows: Iterable[Row],
        xsi_type: str,
        columns: list[Column],
        tests: list[tuple[Column, Test]],
    ) -> Iterator[Line]:
        # Paths of imaging sessions make the query join their table: other experiments drop out.
        joins = bool(self.root) and not xsi_type
        imaging = joins and any(column.imaging for column in columns)
        for row in rows:
            if self.root and not is_rooted(xsi_type, self.root, row["xsi_type"], row["session_id"]):
                continue
            if imaging and not row["xsi_type"].endswith("SessionData"):
                continue
            line = Line(row)
            if all(test(cell(column.cell(line))) for column, test in tests):
                yield line


SUBJECTS = Listing(
    SUBJECT_COLUMNS,
    ["ID", "project", "label", "insert_date", "insert_user"],
    "/data/subjects/{id}",
)
_EXPERIMENT_URI = "/data/experiments/{id}"
_EXPERIMENT_DEFAULTS = ["ID", "project", "date", "xsiType", "label", "insert_date"]
PROJECT_EXPERIMENTS = Listing(
    EXPERIMENT_COLUMNS,
    _EXPERIMENT_DEFAULTS,
    _EXPERIMENT_URI,
    root=SUBJECT_ASSESSOR,
    row_key="id",
)
ALL_EXPERIMENTS = Listing(
    EXPERIMENT_COLUMNS,
    _EXPERIMENT_DEFAULTS,
    _EXPERIMENT_URI,
    root=ROOT,
    title="Matching experiments",
)


@routes.data("/subjects", variants=LIST)
def all_subjects(request: Request, context: Context) -> Response:
    """Every subject that the caller reads."""
    rows = context.store.database.stream(SUBJECT_ROWS.format(label="s.label"))
    return _loud(SUBJECTS, request, context, rows, check=True)


@routes.data(f"{PROJECT}/subjects", variants=LIST)
def project_subjects(request: Request, context: Context, project: str) -> Response:
    """The subjects of a project, shared ones under their label there."""
    found = context.project(project)
    allowed = context.caller.may("read", found.id)
    context.require(allowed, f"Unable to read subjects for Project: {found.id}")
    sql = (
        f"{SUBJECT_ROWS.format(label='s.label')} WHERE s.project=:project UNION ALL"
        f" {SUBJECT_ROWS.format(label='coalesce(h.label, s.label)')}"
        " JOIN share h ON h.item=s.id WHERE h.project=:project"
    )
    rows = context.store.database.stream(sql, {"project": found.id})
    return _loud(SUBJECTS, request, context, rows)


@routes.data("/experiments", variants=LIST)
def all_experiments(request: Request, context: Context) -> Response:
    """Every experiment that the caller reads."""
    rows = context.store.database.stream(OWN_EXPERIMENTS)
    if "recent" in context.parameters:
        rows = _recent(context)
    return _loud(ALL_EXPERIMENTS, request, context, rows, check=True)


@routes.data(f"{PROJECT}/experiments", variants=LIST)
def project_experiments(request: Request, context: Context, project: str) -> Response:
    """The experiments of a project, shared ones under their label there."""
    found = readable_project(context, project)
    sql = (
        f"{OWN_EXPERIMENTS} WHERE e.project=:project UNION ALL"
        f" {SHARED_EXPERIMENTS} JOIN share h ON h.item=e.id WHERE h.project=:project"
    )
    rows = context.store.database.stream(sql, {"project": found.id})
    return _quiet(PROJECT_EXPERIMENTS, request, context, rows)


@routes.data(f"{SUBJECT}/experiments", variants=LIST)
def subject_experiments(request: Request, context: Context, project: str, subject: str) -> Response:
    """The experiments of one subject."""
    found = readable_project(context, project)
    owner = context.store.items.subject_in(found.id, subject)
    if owner is None:
        raise StatusError(404)
    sql = (
        f"{OWN_EXPERIMENTS} WHERE e.project=:project AND e.subject_id=:subject UNION ALL"
        f" {SHARED_EXPERIMENTS} JOIN share h ON h.item=e.id"
        " WHERE h.project=:project AND e.subject_id=:subject"
    )
    rows = context.store.database.stream(sql, {"project": found.id, "subject": owner.id})
    return _quiet(PROJECT_EXPERIMENTS, request, context, rows)


def _loud(
    listing: Listing,
    request: Request,
    context: Context,
    rows: Iterable[Row],
    *,
    check: bool = False,
) -> Response:
    try:
        return listing.answer(request, context, rows, check=check)
    except BadFilter as error:
        raise StatusError(500, str(error)) from error


def _quiet(listing: Listing, request: Request, context: Context, rows: Iterable[Row]) -> Response:
    """As `_loud`, but these two lists swallow the failure of a query."""
    try:
        return listing.answer(request, context, rows)
    except BadFilter:
        return Response(b"", 200, mimetype="application/json")


def _readable(lines: Iterable[Line], context: Context) -> Iterator[Line]:
    readable = context.caller.readable
    return (line for line in lines if line.row["project"] in readable)


def _page(context: Context) -> tuple[int, int | None] | None:
    parameters = context.parameters
    if not context.settings.paging or not ("limit" in parameters or "offset" in parameters):
        return None
    if "recent" in parameters:
        return None
    try:
        offset = int(parameters.get("offset") or 0)
        limit = parameters.get("limit", default="100")
        return offset, None if limit == "*" else offset + int(limit)
    except ValueError as error:
        raise StatusError(500, str(error)) from error


def _sort(cells: list[list[object]], columns: list[Column], context: Context) -> None:
    names = [name for name in context.parameters.get("sortBy").split(",") if name]
    keys = [column.key for column in columns]
    places = [keys.index(name) for name in names if name in keys]
    if places:
        down = context.parameters.get("sortOrder").upper() == "DESC"
        cells.sort(key=lambda row: [cell(row[place]) for place in places], reverse=down)


def _recent(context: Context) -> Iterator[Row]:
    text, limit = context.parameters.get("recent"), context.parameters.get("limit") or "-1"
    try:
        days, most = float(text or 30), int(limit)
    except ValueError as error:
        raise StatusError(500, str(error)) from error
    sql = (
        f"{OWN_EXPERIMENTS} WHERE e.modified >= datetime('now', 'localtime', ?)"
        " ORDER BY e.modified DESC LIMIT ?"
    )
    return context.store.database.stream(sql, (f"-{days} days", most))


def _implied(xsi_type: str) -> list[str]:
    found = known_type(xsi_type) or ""
    if not found or found == ROOT:
        return []
    if (found.endswith("AssessorData") and found != SUBJECT_ASSESSOR) or "qc" in found:
        return ["session_ID", "session_label"]
    return ["subject_ID", "subject_label"]
