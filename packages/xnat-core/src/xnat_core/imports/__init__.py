"""The import service: what to ask of it, what its answers mean, and how data reach their end."""

from xnat_core.imports.admission import admission, admitted
from xnat_core.imports.answers import ImportRefused, Landing, landings_of
from xnat_core.imports.destination import (
    Destination,
    Way,
    archive_destination_params,
    gradual_params,
    zip_params,
)
from xnat_core.imports.holdings import (
    HeldFile,
    archived_files,
    archived_session,
    replaces_nothing,
    some_instance,
    staged_files,
    staged_md5,
)
from xnat_core.imports.sending import send
from xnat_core.imports.settling import DirectArchive, Gone
from xnat_core.services.lookup import LabelTaken

__all__ = [
    "Destination",
    "DirectArchive",
    "Gone",
    "HeldFile",
    "ImportRefused",
    "LabelTaken",
    "Landing",
    "Way",
    "admission",
    "admitted",
    "archive_destination_params",
    "archived_files",
    "archived_session",
    "gradual_params",
    "landings_of",
    "replaces_nothing",
    "send",
    "some_instance",
    "staged_files",
    "staged_md5",
    "zip_params",
]
