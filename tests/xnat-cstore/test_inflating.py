"""Deflated data sets that are inflated on the way."""

from __future__ import annotations

import zlib
from io import BytesIO
from pathlib import Path

import pytest

from xnat_core.dicom_elements import DEFLATED
from xnat_core.files import BLOCK
from xnat_cstore.payload import Source
from xnat_cstore.unpack import inflated


class _Watched:
    """An inflater that is not asked on and on for what comes after its end."""

    def __init__(self) -> None:
        self._real = zlib.decompressobj(-zlib.MAX_WBITS)
        self._asked_behind = 0

    def decompress(self, data: bytes, most: int) -> bytes:
        self._asked_behind += self._real.eof
        assert self._asked_behind < 10, "it turns for ever"
        return self._real.decompress(data, most)

    def flush(self) -> bytes:
        return self._real.flush()

    @property
    def unconsumed_tail(self) -> bytes:
        return self._real.unconsumed_tail

    @property
    def eof(self) -> bool:
        return self._real.eof


@pytest.mark.parametrize("size", [1000, BLOCK, 3 * BLOCK, 3 * BLOCK + 1000])
@pytest.mark.parametrize("padding", [b"", b"\0"])
def test_the_padding_behind_a_deflated_data_set_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, size: int, padding: bytes
) -> None:
    # PS3.5 A.5: what is deflated to an odd length is padded.
    plain = b"y" * size
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = deflater.compress(plain) + deflater.flush() + padding
    inflater = _Watched()
    monkeypatch.setattr(zlib, "decompressobj", lambda _: inflater)
    source = Source(BytesIO(packed), Path("deflated.dcm"), 0, len(packed), DEFLATED)

    with inflated(source) as file:
        file.seek(0)
        assert file.read() == plain
