"""What is in a session: scans, assessors, reconstructions. Always complete, never paged."""

from __future__ import annotations

from werkzeug.wrappers import Request, Response

from .columns import EXPERIMENT_COLUMNS, RECONSTRUCTION_COLUMNS, SCAN_COLUMNS
from .context import Context
from .filters import BadFilter
from .listings import OWN_EXPERIMENTS, Listing
from .lookup import SESSIONS, experiment_of, find_experiment, subject_of
from .model import Experiment
from .responses import StatusError
from .routing import LIST, Routes

routes = Routes()

SCANS = Listing(
    SCAN_COLUMNS,
    ["xnat_imagescandata_id", "ID", "type", "quality", "xsiType", "note", "series_description"],
    "/data/experiments/{session_id}/scans/{id}",
    pages=False,
)
RECONSTRUCTIONS = Listing(
    RECONSTRUCTION_COLUMNS,
    ["xnat_reconstructedimagedata_id", "ID", "type", "baseScanType"],
    "/data/experiments/{session_id}/reconstructions/{id}",
    pages=False,
)
ASSESSORS = Listing(
    EXPERIMENT_COLUMNS,
    [
        *("ID", "project", "label", "date", "xsiType", "insert_date"),
        *("session_ID", "session_label"),
    ],
    "/data/experiments/{session_id}/assessors/{id}",
    pages=False,
)


@routes.data(*(f"{form}/scans" for form in SESSIONS), variants=LIST)
def scans(
    request: Request, context: Context, experiment: str, project: str = "", subject: str = ""
) -> Response:
    """The scans of a session."""
    session = listed_session(context, experiment, project, subject)
    sql = "SELECT * FROM scan WHERE session_id=? ORDER BY number"
    return _answer(SCANS, request, context, sql, session)


@routes.data(*(f"{form}/reconstructions" for form in SESSIONS), variants=LIST)
def reconstructions(
    request: Request, context: Context, experiment: str, project: str = "", subject: str = ""
) -> Response:
    """The reconstructions of a session."""
    session = listed_session(context, experiment, project, subject)
    sql = "SELECT * FROM reconstruction WHERE session_id=? ORDER BY number"
    return _answer(RECONSTRUCTIONS, request, context, sql, session)


@routes.data(*(f"{form}/assessors" for form in SESSIONS), variants=LIST)
def assessors(
    request: Request, context: Context, experiment: str, project: str = "", subject: str = ""
) -> Response:
    """The assessors of a session."""
    session = listed_session(context, experiment, project, subject)
    sql = f"{OWN_EXPERIMENTS} WHERE e.session_id=? ORDER BY e.rowid"
    return _answer(ASSESSORS, request, context, sql, session)


def listed_session(
    context: Context, experiment: str, project: str = "", subject: str = ""
) -> Experiment:
    """The session of a list; an unknown one on a flat path is a null pointer to the server."""
    if not project:
        found = find_experiment(context, experiment)
        if found is None:
            raise StatusError(500, "java.lang.NullPointerException")
        return found
    subject_of(context, subject, project)
    return experiment_of(context, experiment, project)


def _answer(
    listing: Listing, request: Request, context: Context, sql: str, session: Experiment
) -> Response:
    rows = context.store.database.rows(sql, (session.id,))
    try:
        return listing.answer(request, context, rows)
    except BadFilter as error:
        raise StatusError(500, str(error)) from error
