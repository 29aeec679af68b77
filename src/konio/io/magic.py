"""What kind of file the first bytes say it is; names and extensions do not count."""

from __future__ import annotations

import struct
from typing import Final, Literal

Format = Literal["dicom", "png", "jpeg"]

#: Enough of a file's start to tell its kind.
HEAD_BYTES: Final = 132

#: Enough to reach the storage class in a DICOM file's meta information.
META_BYTES: Final = 1024
#: CT Image Storage, Enhanced CT Image Storage.
_CT: Final = frozenset({b"1.2.840.10008.5.1.4.1.1.2", b"1.2.840.10008.5.1.4.1.1.2.1"})

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG: Final = b"\xff\xd8\xff"


def sniff(head: bytes) -> Format | None:
    r"""The format of a file that starts with these bytes, or ``None``.

    A DICOM object without preamble is told by its first element: group 0002 or 0008 with a sensible length.

    Args:
        head: the first `HEAD_BYTES` bytes, or all there are.

    Examples:
        >>> sniff(b"\x00" * 128 + b"DICM")
        'dicom'
        >>> sniff(b"Index,Finding") is None
        True
    """
    if head[128:132] == b"DICM":
        return "dicom"
    if head.startswith(_PNG):
        return "png"
    if head.startswith(_JPEG):
        return "jpeg"
    return "dicom" if _bare_element(head) else None


def _bare_element(head: bytes) -> bool:
    if len(head) < 16:
        return False
    group, number = struct.unpack_from("<HH", head)
    if group not in (0x0002, 0x0008) or number > 0x0100:
        return False
    explicit = head[4:6].isalpha() and head[4:6].isupper()
    (length,) = struct.unpack_from("<H", head, 6) if explicit else struct.unpack_from("<I", head, 4)
    return bool(length <= 0x1000)


def is_one_bit_png(head: bytes) -> bool:
    """Whether a PNG has less than eight bits a sample, as masks do (the IHDR chunk is always first)."""
    return head.startswith(_PNG) and head[12:16] == b"IHDR" and head[24:25] in (b"\1", b"\2", b"\4")


def is_ct_slice(head: bytes) -> bool:
    r"""Whether a DICOM file says in its meta information, which is always uncompressed, that it holds CT.

    Args:
        head: the first `META_BYTES` bytes, or all there are.

    References:
        DICOM PS3.10 section 7.1 (meta information); PS3.4 B.5 (storage classes).
    """
    if head[128:132] != b"DICM":
        return False
    _, found, rest = head[132:].partition(b"\x02\x00\x02\x00UI")
    if not found or len(rest) < 2:
        return False
    (length,) = struct.unpack_from("<H", rest)
    return rest[2 : 2 + length].rstrip(b"\0 ") in _CT
