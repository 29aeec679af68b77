"""A deflated DICOM object inflated once, into memory that is looked at and not copied.

A large film, inflated twice or copied on the way, would cost more memory than one film may.

References:
    DICOM PS3.5 annex A.5 (deflated explicit VR little endian), PS3.10 section 7.1 (meta information).
"""

from __future__ import annotations

import io
import mmap
import struct
import zlib
from typing import Any, Final

from pydicom.dataset import FileDataset
from pydicom.filereader import dcmread, read_dataset

from konio.errors import RefusedError

_SYNTAX: Final = b"1.2.840.10008.1.2.1.99"
_NOTHING: Final = b"\x03\x00"  # no bytes, deflated
_PIXEL_DATA: Final = 0x7FE00010
_META: Final = b"\x02\x00"
_LONG: Final = frozenset({b"OB", b"OW", b"SQ", b"UN", b"UT"})  # with four bytes of length
#: So little is inflated at once that a stream which promises little and holds much meets the memory limit.
_PIECE: Final = 1 << 16


def is_deflated(data: mmap.mmap | bytes) -> bool:
    """Whether the meta information says that everything after it is deflated."""
    return _SYNTAX in data[132 : _after_meta(data)]


def inflate(data: mmap.mmap | bytes) -> tuple[FileDataset, memoryview, int]:
    """The elements of a deflated object before its pixel data, all of it inflated, and where the pixel data starts.

    Args:
        data: the whole file.

    Returns:
        The elements with their meta information, everything after the meta information, and the offset in it of the
        pixel data element (the end where there is none).

    Raises:
        RefusedError: ``truncated`` if the stream ends early, ``decode-failed`` if it is none.
    """
    start = _after_meta(data)
    stream, machine = io.BytesIO(), zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for place in range(start, len(data), _PIECE):
            stream.write(machine.decompress(data[place : place + _PIECE]))
    except zlib.error as error:
        raise RefusedError("decode-failed", "no valid zlib stream") from error
    if not machine.eof:
        raise RefusedError("truncated", f"{stream.tell()} bytes inflated")
    stream.seek(0)
    dataset = dcmread(io.BytesIO(data[:start] + _NOTHING))  # the meta information alone
    elements = read_dataset(stream, False, True, stop_when=_is_pixel_data)
    dataset.update(elements)
    dataset.set_original_encoding(False, True, elements.original_character_set)
    return dataset, stream.getbuffer(), stream.tell()


def _is_pixel_data(tag: Any, vr: str | None, length: int) -> bool:
    return int(tag) >= _PIXEL_DATA


def _after_meta(data: mmap.mmap | bytes) -> int:
    """Where the meta information ends, which is never deflated."""
    place = 132
    while data[place : place + 2] == _META:
        if data[place + 4 : place + 6] in _LONG:
            place += 12 + struct.unpack_from("<I", data, place + 8)[0]
        else:
            place += 8 + struct.unpack_from("<H", data, place + 6)[0]
    return place
