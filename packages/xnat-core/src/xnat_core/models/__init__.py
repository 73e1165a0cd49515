"""Everything XNAT holds as typed objects, and as the records that the tools exchange."""

from __future__ import annotations

from xnat_core.models.base import IDENTITY, Fact, KeyDoc, Model, Record, children
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

KINDS: dict[str, type[Model]] = {
    model.kind: model
    for model in (
        Project,
        Subject,
        Session,
        Scan,
        Resource,
        ResourceFile,
        PrearchiveEntry,
        Upload,
        Server,
        User,
        ProfileEntry,
        Token,
        Event,
        Setting,
        DicomFile,
        DicomTag,
        Shard,
        Pipeline,
        PipelineJob,
    )
}
"""Each kind of record and its model; the reference page of the records is made from this."""

__all__ = [
    "IDENTITY",
    "KINDS",
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
    "modality_of",
]
