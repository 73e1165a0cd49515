"""From an instance to what is sent of it: as it is, routed, unpacked."""

from __future__ import annotations

import zlib

from xnat_core.dicom_elements import DEFLATED, Malformed, encoding_of
from xnat_core.errors import DicomParseError, UploadError
from xnat_cstore.instance import Instance
from xnat_cstore.payload import Payload, Source, opened
from xnat_cstore.routing import Route, spliced
from xnat_cstore.unpack import deflated, inflated, unpacked


def payload_of(instance: Instance, syntax: str, route: Route) -> Payload:
    """The data set of an instance in `syntax`: the file's own, or Explicit VR Little Endian.

    Raises UploadError when the file cannot be read or has changed, DicomError when it cannot be
    unpacked.
    """
    source = opened(instance)
    try:
        if syntax != source.syntax:
            source = unpacked(source)
        return _routed(source, route) if route else Payload(source)
    except BaseException as error:
        source.file.close()
        if isinstance(error, (Malformed, zlib.error)):
            raise DicomParseError(instance.path, str(error)) from error
        if isinstance(error, OSError):
            raise UploadError(f"{instance.path}: {error.strerror}", instance.path) from error
        raise


def _routed(source: Source, route: Route) -> Payload:
    encoding = encoding_of(source.syntax)
    if source.syntax != DEFLATED:
        head, behind = spliced(source.file, source.start, encoding, route)
        return Payload(source._replace(start=behind), head)
    # What is deflated cannot be cut open: it is inflated, and deflated again.
    with source.file, inflated(source) as plain:
        head, behind = spliced(plain, 0, encoding, route)
        packed = deflated(head, plain, behind)
    return Payload(source._replace(file=packed, start=0, end=packed.seek(0, 2), mtime_ns=None))
