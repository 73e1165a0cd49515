"""Whether a server rewrites the DICOM that it imports: then no digest tells whether it arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnat_core.errors import XNATCtlError
from xnat_core.unasked import is_no_answer
from xnat_core.urls import path

if TYPE_CHECKING:
    from xnat_core.client import XNATClient


def anonymizes(client: XNATClient, project: str) -> bool | None:
    """Whether a server rewrites the DICOM that a project imports; None when it does not say.

    Raises XNATCtlError where it cannot be asked: that is no answer, and what is decided by one
    stays so.
    """
    answers = [_has_script(client, ("site",)), _has_script(client, ("projects", project))]
    if True in answers:
        return True
    return None if None in answers else False


def _has_script(client: XNATClient, where: tuple[str, ...]) -> bool | None:
    """Whether a script is in force that does anything; None when the server does not say.

    A script that does nothing has comments and a version.
    """
    try:
        enabled = client.text(path("xapi", "anonymize", *where, "enabled")).lower()
    except XNATCtlError as error:
        if is_no_answer(error):
            raise
        return None
    if enabled == "false":
        return False
    try:
        script = client.text(path("xapi", "anonymize", *where))
    except XNATCtlError as error:
        if is_no_answer(error):
            raise
        # In force, but not for us to read. It is taken to do something, as that of a new site does.
        return True if enabled == "true" else None
    lines = (line.partition("//")[0].strip() for line in script.splitlines())
    return any(line and not line.startswith("version") for line in lines)
