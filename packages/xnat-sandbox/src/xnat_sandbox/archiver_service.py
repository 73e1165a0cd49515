"""POST /data/services/archive and /data/services/validate-archive."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from werkzeug.wrappers import Request, Response

from .archiver import ArchiveFailed, ArchiveOptions
from .context import Context
from .intake import intake_of
from .prearchive_access import project_id, require_edit, session_at, sources, table
from .prearchive_lifecycle import Timeout
from .prearchive_table import Locked
from .responses import StatusError, uri_list
from .resultset import ResultSet, answer
from .routing import Routes
from .staged_session import UNASSIGNED, StagedSession

routes = Routes()


@routes.data("/services/archive", methods=("POST",))
def archive(request: Request, context: Context) -> Response:
    """Archive one session while the client waits, or queue several."""
    sessions = _sessions(context)
    if len(sessions) > 1:
        return _archive_several(request, context, sessions)
    (session,) = sessions
    options = _options(context, session)
    intake = intake_of(context)
    listener = intake.progress.open(context.login, context.parameters.get("http-session-listener"))
    listener.say("PROCESSING", f"Archiving {session.folder}")
    try:
        uri = intake.lifecycle.archive_within_time(session, options)
    except Locked as error:
        raise StatusError(403, "Session archiving already in progress.") from error
    except Timeout as error:
        raise StatusError(500, "Archiving takes longer than the site allows.") from error
    except ArchiveFailed as error:
        listener.say("FAILED", str(error), terminal=True)
        message = f"FAILED: Unable to archive {session.folder}: Operation Failed: {error}"
        raise StatusError(500, message) from error
    listener.say("COMPLETED", f"Archive:{uri.removeprefix('/data')}", terminal=True)
    if _redirects(context, session):
        site = str(context.store.preferences.get("siteUrl")).rstrip("/") or context.base_url
        return Response(b"", 303, headers={"Location": site + uri})
    return uri_list([uri])


@routes.data("/services/validate-archive", methods=("POST",))
def validate(request: Request, context: Context) -> Response:
    """All conflicts that there are, also those that archiving would pass over or override."""
    sessions = _sessions(context)
    if len(sessions) > 1:
        raise StatusError(400, "Only one session can be validated at a time.")
    (session,) = sessions
    if not context.format:
        context.parameters.add([("format", "xml")])
    try:
        options = replace(
            _options(context, session), merge=False, override=False, replace_files=False
        )
        notices = intake_of(context).lifecycle.notices(session, options)
        rows = [(notice.code, notice.type, notice.message) for notice in notices]
    except ArchiveFailed as error:
        rows = [(0, "FAIL", str(error))]
    return answer(request, context, ResultSet(("code", "type", "message"), rows))


def _sessions(context: Context) -> list[StagedSession]:
    given = context.parameters
    wanted = sources(context)
    if not wanted:
        place = [given.get(n) for n in ("project", "PREARC_TIMESTAMP", "PREARC_SESSION_FOLDER")]
        if not all(place):
            raise StatusError(404, "Unknown prearchive session.")
        wanted = [(place[0], place[1], place[2])]
    found = []
    for project, timestamp, folder in wanted:
        if project_id(context, project) == UNASSIGNED:
            raise StatusError(400, "Sessions without a project cannot be archived.")
        require_edit(context, project)
        session = session_at(context, project, timestamp, folder)
        if session is None:
            raise StatusError(404, f"Unable to find prearchive session {folder}")
        found.append(session)
    return found


def _archive_several(request: Request, context: Context, sessions: list[StagedSession]) -> Response:
    intake = intake_of(context)
    given = context.parameters
    for session in sessions:
        options = intake.lifecycle.import_options(
            session,
            context.login,
            given.get("overwrite"),
            replace_files=given.flag("overwrite_files"),
            quarantine=given.flag("quarantine"),
            pipelines=_pipelines(context),
        )
        try:
            intake.lifecycle.later(
                session, "ARCHIVING", partial(intake.lifecycle.archive, session, options)
            )
        except Locked as error:
            raise StatusError(403, "Session archiving already in progress.") from error
    present = [intake.prearchive.get(session.number) for session in sessions]
    return table(request, context, [one for one in present if one], default="xml")


def _options(context: Context, session: StagedSession) -> ArchiveOptions:
    """A single session merges without being told, and `append` is as good as `delete`."""
    given = context.parameters
    fields = {name: value for name, value in given.items() if "SessionData/" in name}
    label = next(
        (value for name, value in fields.items() if name.endswith("SessionData/label")), ""
    )
    override = given.get("overwrite") in ("append", "delete", "override")
    replaces = intake_of(context).lifecycle.automatic_options(session).replace_files
    return ArchiveOptions(
        user=context.login,
        subject=given.get("subject", "SUBJECT_ID"),
        session=given.get("session") or label or given.get("EXPT_LABEL", "label"),
        merge=True,
        override=override,
        replace_files=override or replaces,
        quarantine=given.flag("quarantine"),
        pipelines=_pipelines(context),
        fields=fields,
    )


def _pipelines(context: Context) -> bool:
    return context.parameters.get("triggerPipelines", default="true").lower() != "false"


def _redirects(context: Context, session: StagedSession) -> bool:
    """Whether the answer is 303: asked for, or the project archives by itself."""
    given = context.parameters
    if given.flag("redirect"):
        return True
    declined = any(name in given and not given.flag(name) for name in ("auto-archive", "AA"))
    return session.auto_archive != "Manual" and not declined
