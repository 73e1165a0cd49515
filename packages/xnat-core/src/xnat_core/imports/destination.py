"""Where imported data are to go, and the parameters that bring them there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

DIRECT_ARCHIVE_SINCE = (1, 8, 4)
"""`Direct-Archive` is older (1.8.3), but only since then can a client say that all has come."""


class Way(Enum):
    """How a request treats what it brings."""

    DIRECT = "direct"
    """Written straight into the archive's folders, archived once told that all has come."""
    JOIN = "join"
    """Joins the receiving row of its session, which somebody builds when all has come."""
    JOIN_HELD = "join held"
    """The same, and the server does not build it by itself: it must not be archived."""
    STAGE = "stage"
    """Built in the prearchive before the answer; only for what is sent in one request."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A session by the labels that it is to have; `archive` false: it stays in the prearchive."""

    project: str
    subject: str
    session: str
    archive: bool = True


def archive_destination_params(project: str, direct_archive: bool) -> dict[str, str]:
    """The parameter that sends data to the archive, or that keeps them in the prearchive.

    `Direct-Archive=false` would not keep them there; only `dest` does.
    """
    if direct_archive:
        return {"Direct-Archive": "true"}
    return {"dest": f"/prearchive/projects/{project}"}


def zip_params(
    destination: Destination, way: Way, overwrite: str, *, ignore_unparsable: bool = True
) -> dict[str, str]:
    """The query of a request that brings an archive of DICOM files in its body.

    `overwrite` is `none`, `append` or `delete`. The server takes any text for a permission to
    merge, `none` as well; so for `none` the parameter is left out.
    """
    return {
        "import-handler": "DICOM-zip",
        "project": destination.project,
        "subject": destination.subject,
        "session": destination.session,
        **({} if overwrite == "none" else {"overwrite": overwrite, "overwrite_files": "true"}),
        "quarantine": "false",
        "triggerPipelines": "true",
        "rename": "false",
        "Ignore-Unparsable": "true" if ignore_unparsable else "false",
        "inbody": "true",
        **_way_params(destination, way),
    }


def gradual_params(destination: Destination, way: Way) -> dict[str, str]:
    """The query of a request that brings one DICOM object.

    Its handler knows the labels by other names. It never builds, so that STAGE has no meaning here.
    """
    return {
        "import-handler": "gradual-DICOM",
        "PROJECT_ID": destination.project,
        "SUBJECT_ID": destination.subject,
        "EXPT_LABEL": destination.session,
        **_way_params(destination, way),
    }


def _way_params(destination: Destination, way: Way) -> dict[str, str]:
    if way is Way.DIRECT or way is Way.STAGE:
        return archive_destination_params(destination.project, way is Way.DIRECT)
    return {"prevent_auto_commit": "true"} if way is Way.JOIN_HELD else {}
