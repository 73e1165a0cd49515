"""The parameters of the import service, typed and checked."""

from __future__ import annotations

import re
from dataclasses import dataclass

from werkzeug.wrappers import Request

from .context import Context, Parameters
from .importer_receive import Delivery
from .permissions import Caller
from .responses import StatusError
from .store import Store

DICOM_ZIP, SESSION, GRADUAL = "DICOM-zip", "SI", "gradual-DICOM"
HANDLERS = (DICOM_ZIP, SESSION, GRADUAL)
DICOM_TYPES = ("application/dicom", "application/x-mirc", "application/x-mirc-dicom")
NAME = r"([^/]+)"
PREARCHIVE = re.compile(rf"/prearchive(?:/projects/{NAME}(?:/{NAME}/{NAME})?)?/?")
ARCHIVE = re.compile(
    rf"/archive(?:/projects/{NAME}(?:/subjects/{NAME}(?:/experiments/{NAME})?)?)?/?"
)


@dataclass(frozen=True, slots=True)
class Destination:
    """What `dest` says: `area` is `prearchive`, `archive` or, without `dest`, empty."""

    area: str = ""
    project: str = ""
    subject: str = ""
    session: str = ""
    timestamp: str = ""
    folder: str = ""

    @classmethod
    def of(cls, dest: str) -> Destination:
        path = re.sub(r"\A/(data|REST)(?=/)", "", dest)
        if not path:
            return cls()
        if match := PREARCHIVE.fullmatch(path):
            project, timestamp, folder = (part or "" for part in match.groups())
            return cls("prearchive", project, timestamp=timestamp, folder=folder)
        if match := ARCHIVE.fullmatch(path):
            project, subject, session = (part or "" for part in match.groups())
            return cls("archive", project, subject, session)
        raise StatusError(400, f"Invalid destination: {dest}")


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What is to be done with the objects of a request after they were filed."""

    handler: str
    destination: Destination
    delivery: Delivery
    commit: bool
    auto_archive: bool
    ignore_unparsable: bool
    overwrite: str
    overwrite_files: bool
    quarantine: bool
    pipelines: bool
    listener: str

    @property
    def builds(self) -> bool:
        """Whether the request builds the session itself."""
        if self.handler == GRADUAL:
            return False
        return self.handler == SESSION or self.commit or bool(self.destination.area)

    @property
    def archives(self) -> bool:
        """Whether the request asks for the archive."""
        if not self.builds or self.destination.area == "prearchive":
            return False
        return self.destination.area == "archive" or self.auto_archive


def handler_of(request: Request, context: Context) -> str:
    """The import handler, 404 for names that this server does not offer (`XAR` among them)."""
    named = context.parameters.get("import-handler")
    if not named:
        if request.mimetype.startswith(DICOM_TYPES):
            return GRADUAL
        named = str(context.store.preferences.get("uiDefaultCompressedUploaderImporter"))
    if named not in HANDLERS:
        raise StatusError(404, f"Unsupported import handler: {named}")
    return named


def options_of(handler: str, context: Context) -> ImportOptions:
    """Everything the parameters say."""
    given = context.parameters
    destination = Destination.of(given.get("dest"))
    commit = given.get("action") == "commit"
    ignore = given.flag("Ignore-Unparsable") if "Ignore-Unparsable" in given else commit
    return ImportOptions(
        handler=handler,
        destination=destination,
        delivery=_delivery(handler, destination, context),
        commit=commit and handler != GRADUAL,
        auto_archive=given.flag("AA") or given.flag("auto-archive"),
        ignore_unparsable=handler == SESSION or (ignore and context.settings.release >= (1, 8, 3)),
        overwrite=_overwrite(context),
        overwrite_files=given.flag("overwrite_files"),
        quarantine=given.flag("quarantine"),
        pipelines=given.get("triggerPipelines", default="true").lower() != "false",
        listener=given.get("http-session-listener"),
    )


def _delivery(handler: str, destination: Destination, context: Context) -> Delivery:
    given = context.parameters
    if handler == GRADUAL:
        project = given.get("PROJECT_ID") or destination.project
        subject, session = given.get("SUBJECT_ID"), given.get("EXPT_LABEL")
        timestamp = given.get("PREARC_TIMESTAMP")
        folder = given.get("PREARC_SESSION_FOLDER")
    else:
        project = given.get("project") or destination.project or given.get("PROJECT_ID")
        subject = given.get("subject", "SUBJECT_ID") or destination.subject
        session = given.get("session", "EXPT_LABEL") or destination.session
        timestamp, folder = destination.timestamp, destination.folder
    return Delivery(
        project=_project(project, handler, context),
        subject=subject,
        session=session,
        visit=given.get("VISIT"),
        protocol=given.get("SUBTYPE"),
        timestamp=timestamp,
        folder=folder,
        source=given.get("SOURCE"),
        rename=given.flag("rename"),
        auto_archive=given.flag("AA") or given.flag("auto-archive"),
        prevent_anon=given.flag("prevent_anon"),
        prevent_auto_commit=given.flag("prevent_auto_commit"),
        direct=_is_direct(given, handler, destination, context.settings.release),
    )


def _is_direct(
    given: Parameters, handler: str, destination: Destination, release: tuple[int, ...]
) -> bool:
    if handler == SESSION or release < (1, 8, 3) or destination.area:
        return False
    return given.flag("Direct-Archive")


def _project(key: str, handler: str, context: Context) -> str:
    """The id of the wanted project; silently nothing when it is unknown or closed to the caller."""
    found = find_project(context.store, context.caller, key)
    if not found and handler == SESSION and context.store.items.project(key):
        raise StatusError(403, f"User does not have permission to create sessions in {key}")
    return found


def find_project(store: Store, caller: Caller, key: str) -> str:
    project = store.items.project(key) if key else None
    return project.id if project and caller.may("edit", project.id) else ""


def _overwrite(context: Context) -> str:
    given = context.parameters
    overwrite = given.get("overwrite")
    if given.get("prearchive_code") != "1":
        return overwrite
    if "overwrite" in given:
        raise StatusError(400, "prearchive_code and overwrite cannot be combined")
    project = context.store.items.project(given.get("project"))
    if project is None:
        raise StatusError(500, "prearchive_code needs a project")
    return {4: "append", 5: "delete"}.get(project.prearchive_code, "")
