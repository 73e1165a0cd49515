"""The search engine: searchable types, their fields, searches run and kept."""

from __future__ import annotations

from collections.abc import Iterator

from werkzeug.wrappers import Request, Response

from .context import Context
from .datatypes import element_of, known_type
from .responses import StatusError, empty, text
from .resultset import ResultSet, answer
from .routing import LIST, Routes
from .search_query import PROJECT, SUBJECT, Query, fields_of

routes = Routes()

TOOL = "sandbox-searches"


@routes.data("/search/elements", variants=LIST)
def elements(request: Request, context: Context) -> Response:
    """The types that there is something of."""
    rows = []
    for xsi_type, count in _counts(context):
        name = element_of(xsi_type).partition(":")[2]
        rows.append((xsi_type, name, f"{name}s", "true", count))
    columns = ("ELEMENT_NAME", "SINGULAR", "PLURAL", "SECURED", "COUNT")
    table = ResultSet(columns, rows, title="Searchable Data Types", total=len(rows))
    return answer(request, context, table)


@routes.data("/search/elements/{element}", variants=LIST)
def element_fields(request: Request, context: Context, element: str) -> Response:
    """The display fields of a type."""
    xsi_type = known_type(element)
    if xsi_type is None:
        raise StatusError(404)
    rows = [
        (name, column.key, "", "string", "false", "", xsi_type)
        for name, column in fields_of(xsi_type).items()
    ]
    columns = ("FIELD_ID", "HEADER", "SUMMARY", "TYPE", "REQUIRES_VALUE", "DESC", "ELEMENT_NAME")
    return answer(request, context, ResultSet(columns, rows, title="Search Fields"))


@routes.data("/search", methods=("POST",))
def search(request: Request, context: Context) -> Response:
    """Run a search document."""
    return _results(request, context, request.get_data())


@routes.data("/search/saved", variants=LIST)
def saved(request: Request, context: Context) -> Response:
    """The searches that the caller keeps."""
    rows = []
    for name in context.store.tools.paths("", _tool(context)):
        kept = _document(context, name)
        if kept is not None:
            rows.append((name, name, Query(kept.encode()).root))
    columns = ("id", "brief_description", "root_element_name")
    table = ResultSet(columns, rows, title="Stored Searches", total=len(rows))
    return answer(request, context, table)


@routes.data("/search/saved/{name}")
def get_saved(request: Request, context: Context, name: str) -> Response:
    """A kept search, as XML and nothing else; with `/results`, its rows."""
    kept = _document(context, name)
    if kept is None or (context.format == "json" and context.rest != "results"):
        raise StatusError(404)
    if context.rest == "results":
        return _results(request, context, kept.encode())
    return text(kept, mimetype="text/xml")


@routes.data("/search/saved/{name}", methods=("PUT",))
def put_saved(request: Request, context: Context, name: str) -> Response:
    """Keep a search."""
    document = request.get_data(as_text=True)
    Query(document.encode())
    context.store.tools.put("", _tool(context), name, document, user=context.login)
    return empty()


@routes.data("/search/saved/{name}", methods=("DELETE",))
def delete_saved(request: Request, context: Context, name: str) -> Response:
    """Forget a search."""
    if _document(context, name) is None:
        raise StatusError(404)
    tool = _tool(context)
    context.store.tools.put("", tool, name, "", user=context.login, status="disabled")
    return empty()


def _results(request: Request, context: Context, document: bytes) -> Response:
    query = Query(document)
    rows = list(query.rows(context))
    columns = [shown.key for shown in query.shown]
    table = ResultSet(columns, rows, total=len(rows), extras={"rootElementName": query.root})
    return answer(request, context, table)


def _counts(context: Context) -> Iterator[tuple[str, int]]:
    database = context.store.database
    for xsi_type, table in ((PROJECT, "project"), (SUBJECT, "subject")):
        row = database.row(f"SELECT count(*) AS found FROM {table}")
        yield xsi_type, row["found"] if row else 0
    sql = "SELECT xsi_type, count(*) AS found FROM experiment GROUP BY xsi_type ORDER BY xsi_type"
    for row in database.rows(sql):
        yield row["xsi_type"], row["found"]


def _tool(context: Context) -> str:
    return f"{TOOL}-{context.login}"


def _document(context: Context, name: str) -> str | None:
    kept = context.store.tools.latest("", _tool(context), name)
    return kept.contents if kept and kept.status == "enabled" else None
