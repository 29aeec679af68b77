"""The pixel data element as bytes: where it lies, whether it is whole, and the fragments inside it.

References:
    DICOM PS3.5 section 7.1 (data elements), annex A.4 (encapsulated pixel data).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from konio.errors import RefusedError

#: The length of an element that ends with a delimiter.
UNDEFINED: Final = 0xFFFFFFFF
_PIXEL_DATA: Final = (0x7FE0, 0x0010)
_ITEM: Final = (0xFFFE, 0xE000)
_END: Final = (0xFFFE, 0xE0DD)


@dataclass(frozen=True, slots=True, eq=False)
class Element:
    """The pixel data of an object.

    Args:
        content: its bytes, or what is left of them.
        vr: value representation, ``OB``, ``OW`` or empty (implicit).
        cut: whether the file ends before the element does.
    """

    content: memoryview
    vr: str
    cut: bool


def element_at(data: memoryview, start: int, implicit: bool, little: bool) -> Element | None:
    """The pixel data element that starts at a place of the file, or ``None`` if none does."""
    order = "<" if little else ">"
    head = data[start : start + (8 if implicit else 12)]
    if len(head) < (8 if implicit else 12):
        return None
    if struct.unpack(f"{order}HH", head[:4]) != _PIXEL_DATA:
        return None
    (length,) = struct.unpack(f"{order}I", head[-4:])
    vr = "" if implicit else bytes(head[4:6]).decode("latin-1")
    rest = data[start + len(head) :]
    if length == UNDEFINED:
        return Element(rest, vr, False)
    return Element(rest[:length], vr, length > len(rest))


def first_frame(element: Element) -> bytes:
    """The bytes of the only frame: all fragments in order, the offset table left out.

    Raises:
        RefusedError: ``truncated`` if a fragment is longer than what is left, ``bad-header`` if there are no items.
    """
    content, place = element.content, 0
    parts: list[memoryview] = []
    while place + 8 <= len(content):
        group, number, length = struct.unpack_from("<HHI", content, place)
        if (group, number) == _END:
            break
        if (group, number) != _ITEM or length == UNDEFINED:
            raise RefusedError("bad-header", "compressed pixels without items")
        place += 8
        if place + length > len(content):
            detail = f"{len(content) - place} of {length} compressed bytes"
            raise RefusedError("truncated", detail)
        parts.append(content[place : place + length])
        place += length
    return b"".join(parts[1:])


def syntax_name(uid: str) -> str:
    """A transfer syntax fit for a refusal: the UID if it is one."""
    plain = uid.replace(".", "").isdigit() and len(uid) <= 64
    return f"transfer syntax {uid}" if plain else "no valid transfer syntax"
