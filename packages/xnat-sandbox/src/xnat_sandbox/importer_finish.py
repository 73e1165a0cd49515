"""What an import does with the sessions that it filled: leave, build or archive them."""

from __future__ import annotations

from .archiver import ArchiveFailed
from .context import Context
from .importer_receive import Filed
from .importer_request import SESSION, ImportOptions
from .intake import Intake, intake_of
from .prearchive_lifecycle import Timeout
from .responses import StatusError
from .staged_session import UNASSIGNED, StagedSession


def finish(filed: list[Filed], options: ImportOptions, context: Context) -> list[str]:
    """The URIs to answer."""
    if not options.builds:
        return [one.uri for one in filed]
    intake = intake_of(context)
    sessions = [_staged(one) for one in filed]
    archiving = [session for session in sessions if _archives(session, options, intake)]
    if options.handler == SESSION and archiving and len(sessions) > 1:
        raise StatusError(400, "Upload contains more than one session to archive.")
    return [
        _finish_one(session, session in archiving, options, context, intake) for session in sessions
    ]


def _finish_one(
    session: StagedSession,
    archive: bool,
    options: ImportOptions,
    context: Context,
    intake: Intake,
) -> str:
    built = intake.lifecycle.build(session)
    if not archive:
        return built.uri
    if built.status != "READY":
        raise ArchiveFailed(f"{built.folder} is {built.status}")
    if built.project == UNASSIGNED:
        raise ArchiveFailed(f"{built.folder} has no project")
    archive_options = intake.lifecycle.import_options(
        built,
        context.login,
        options.overwrite,
        replace_files=options.overwrite_files,
        quarantine=options.quarantine,
        pipelines=options.pipelines,
    )
    try:
        return intake.lifecycle.archive_within_time(built, archive_options)
    except Timeout as error:
        raise StatusError(500, "Archiving takes longer than the site allows.") from error


def _archives(session: StagedSession, options: ImportOptions, intake: Intake) -> bool:
    if options.archives:
        return True
    if options.handler != SESSION or options.destination.area:
        return False
    return intake.lifecycle.auto_archive_mode(session.project) != "Manual"


def _staged(filed: Filed) -> StagedSession:
    if not isinstance(filed.session, StagedSession):
        # The commit step knows the prearchive only.
        raise StatusError(400, f"Unable to commit {filed.uri}: not in the prearchive")
    return filed.session
