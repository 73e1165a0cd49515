"""Archives as streams: written without staging, read as they arrive."""

from xnat_core.archive.local import open_archive
from xnat_core.archive.members import ArchiveMember, Kind, Member, OnDigest
from xnat_core.archive.passing import Expected, PassingFile, PassingTar, PassingZip, read_ahead
from xnat_core.archive.paths import CaseCollisions, is_case_insensitive, safe_join
from xnat_core.archive.tar_reader import read_tar
from xnat_core.archive.tar_writer import TarStream
from xnat_core.archive.zip_reader import read_zip
from xnat_core.archive.zip_writer import ZipStream

__all__ = [
    "ArchiveMember",
    "CaseCollisions",
    "Expected",
    "Kind",
    "Member",
    "OnDigest",
    "PassingFile",
    "PassingTar",
    "PassingZip",
    "TarStream",
    "ZipStream",
    "is_case_insensitive",
    "open_archive",
    "read_ahead",
    "read_tar",
    "read_zip",
    "safe_join",
]
