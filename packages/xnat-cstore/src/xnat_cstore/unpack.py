"""Data sets unpacked and packed again, by way of temporary files where they need not be decoded."""

from __future__ import annotations

import tempfile
import zlib
from typing import IO

from xnat_core.dicom_elements import DEFLATED, EXPLICIT, Malformed
from xnat_core.errors import DicomError, DicomParseError
from xnat_core.files import BLOCK
from xnat_cstore.payload import Source
from xnat_cstore.syntaxes import name_of


def unpacked(source: Source) -> Source:
    """The data set in Explicit VR Little Endian; closes `source`.

    Compressed pixels are decoded in memory. Raises DicomError saying what is missing to decode
    them, DicomParseError when they cannot be decoded, Malformed, zlib.error.
    """
    with source.file:
        file = inflated(source) if source.syntax == DEFLATED else _decoded(source)
    return Source(file, source.path, 0, file.seek(0, 2), EXPLICIT)


def inflated(source: Source) -> IO[bytes]:
    """A deflated data set as it was before. Raises Malformed, zlib.error."""
    plain = tempfile.TemporaryFile()  # noqa: SIM115  # whoever sends it closes it
    try:
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        source.file.seek(source.start)
        # Behind its end there may be padding, which can stay unconsumed for ever.
        while not inflate.eof and (data := inflate.unconsumed_tail or source.file.read(BLOCK)):
            plain.write(inflate.decompress(data, BLOCK))
        plain.write(inflate.flush())
        if not inflate.eof:
            # Deflated again it would look whole.
            raise Malformed("its deflated data set has no end")
        plain.flush()
    except BaseException:
        plain.close()
        raise
    return plain


def deflated(head: bytes, plain: IO[bytes], start: int) -> IO[bytes]:
    """`head` and the rest of a file, deflated."""
    packed = tempfile.TemporaryFile()  # noqa: SIM115  # whoever sends it closes it
    try:
        deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        packed.write(deflate.compress(head))
        plain.seek(start)
        while data := plain.read(BLOCK):
            packed.write(deflate.compress(data))
        packed.write(deflate.flush())
        packed.flush()
    except BaseException:
        packed.close()
        raise
    return packed


def require_decoders() -> None:
    """Raise DicomError when what decodes pixels is not installed."""
    try:
        import gdcm  # noqa: F401 - only whether it is there
        import numpy  # noqa: F401 - only whether it is there
    except ImportError:
        raise DicomError(
            "decoders of pixels are not installed: pip install 'xnat-cstore[transcode]'"
        ) from None


def _decoded(source: Source) -> IO[bytes]:
    from pydicom import dcmread
    from pydicom.filebase import DicomFileLike
    from pydicom.filewriter import write_dataset

    require_decoders()
    file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # whoever sends it closes it
    try:
        source.file.seek(0)
        dataset = dcmread(source.file, force=True)
        dataset.decompress(generate_instance_uid=False)
        target = DicomFileLike(file)
        target.is_implicit_VR, target.is_little_endian = False, True
        write_dataset(target, dataset)
        file.flush()
    except OSError:
        file.close()
        raise
    except Exception as error:
        # The decoders report damage in many ways.
        file.close()
        raise DicomParseError(
            source.path, f"{name_of(source.syntax)} cannot be decoded: {error}"
        ) from error
    except BaseException:
        file.close()
        raise
    return file
