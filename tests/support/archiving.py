"""Sessions on their way from the prearchive into the archive, by plain requests."""

from __future__ import annotations

import requests

from support.imports import post, send_zip, uris
from support.sandbox import XNAT
from xnat_sandbox.model import Experiment

ARCHIVE = "/data/services/archive"
ARCHIVED = "/data/archive/projects/P1/subjects/SUB001/experiments/SUB001_MR1"
EXISTS = "Session already exists, retry with overwrite enabled"
MATCHING = "Session already exists with matching files."


def stage(xnat: XNAT, files: dict[str, bytes], project: str = "P1", **parameters: str) -> str:
    """Upload files into the prearchive; returns the address of the session there."""
    (uri,) = uris(send_zip(xnat, files, None, dest=f"/prearchive/projects/{project}", **parameters))
    return uri


def archive(xnat: XNAT, uri: str, **data: str) -> requests.Response:
    """Have the server archive what is at that address."""
    return post(xnat, ARCHIVE, data={"src": uri.removeprefix("/data"), **data})


def session(xnat: XNAT, label: str = "SUB001_MR1", project: str = "P1") -> Experiment:
    """A session of the archive by its label."""
    found = xnat.store.items.experiment_in(project, label)
    assert found is not None
    return found


def files(xnat: XNAT, scan: str = "1", label: str = "SUB001_MR1") -> dict[str, bytes]:
    """The DICOM files of a scan in the archive, by their names."""
    found = xnat.store.items.scan(session(xnat, label).id, scan)
    assert found is not None
    return xnat.files(found, "DICOM")
