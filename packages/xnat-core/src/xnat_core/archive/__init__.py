"""Archives as streams: written without staging, read as they arrive."""

from xnat_core.archive.members import Member, OnDigest
from xnat_core.archive.tar_writer import TarStream
from xnat_core.archive.zip_writer import ZipStream

__all__ = ["Member", "OnDigest", "TarStream", "ZipStream"]
