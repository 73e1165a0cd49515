"""Everything XNAT holds as typed objects, and as the records that the tools exchange.

A model is imported when it is first asked for: making all of them would be a tenth of the start of
every tool.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from xnat_core.models.base import IDENTITY, Fact, KeyDoc, Model, Record, children

if TYPE_CHECKING:
    from xnat_core.models.datatypes import MODALITY_TYPES, modality_of
    from xnat_core.models.local import DicomFile, DicomTag
    from xnat_core.models.processing import Pipeline, PipelineJob
    from xnat_core.models.project import Project
    from xnat_core.models.resource import Resource, ResourceFile
    from xnat_core.models.scan import Scan
    from xnat_core.models.session import Session
    from xnat_core.models.shard import Shard
    from xnat_core.models.site import Event, ProfileEntry, Server, Setting, User
    from xnat_core.models.staging import PrearchiveEntry, Upload
    from xnat_core.models.subject import Subject
    from xnat_core.models.token import Token
    from xnat_core.models.transfer import (
        DownloadProgress,
        DownloadSummary,
        OperationPhase,
        Progress,
        Summary,
        UploadProgress,
        UploadSummary,
    )

_MODULES = {
    "project": ("Project",),
    "subject": ("Subject",),
    "session": ("Session",),
    "scan": ("Scan",),
    "resource": ("Resource", "ResourceFile"),
    "staging": ("PrearchiveEntry", "Upload"),
    "site": ("Server", "User", "ProfileEntry", "Event", "Setting"),
    "token": ("Token",),
    "local": ("DicomFile", "DicomTag"),
    "shard": ("Shard",),
    "processing": ("Pipeline", "PipelineJob"),
    "datatypes": ("MODALITY_TYPES", "modality_of"),
    "transfer": (
        "DownloadProgress",
        "DownloadSummary",
        "OperationPhase",
        "Progress",
        "Summary",
        "UploadProgress",
        "UploadSummary",
    ),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def kinds() -> dict[str, type[Model]]:
    """Each kind of record and its model; the reference page of the records is made from this."""
    models = (__getattr__(name) for name in _HOMES)
    return {
        model.kind: model
        for model in models
        if isinstance(model, type) and issubclass(model, Model) and model.kind
    }


__all__ = [
    "IDENTITY",
    "MODALITY_TYPES",
    "DicomFile",
    "DicomTag",
    "DownloadProgress",
    "DownloadSummary",
    "Event",
    "Fact",
    "KeyDoc",
    "Model",
    "OperationPhase",
    "Pipeline",
    "PipelineJob",
    "PrearchiveEntry",
    "ProfileEntry",
    "Progress",
    "Project",
    "Record",
    "Resource",
    "ResourceFile",
    "Scan",
    "Server",
    "Session",
    "Setting",
    "Shard",
    "Subject",
    "Summary",
    "Token",
    "Upload",
    "UploadProgress",
    "UploadSummary",
    "User",
    "children",
    "kinds",
    "modality_of",
]
