"""Files in: radiographs from DICOM, PNG and JPEG as `konio.records.Image`.

Pixels from outside are decoded in a child process with a limit on memory and time; see
docs/decisions/0003-decoding-in-a-child.md.

Examples:
    >>> from konio.io import read
    >>> image = read("film.dcm")  # doctest: +SKIP
    >>> image.pixels.dtype, image.spacing_mm  # doctest: +SKIP
    (dtype('float32'), (0.143, 0.143))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from konio.io.decoder import Decoder, Limits, read, read_many, start
    from konio.io.inputs import Inputs, discover
    from konio.io.write import write_radiograph

_HOMES: Final = {
    "Decoder": "konio.io.decoder",
    "Inputs": "konio.io.inputs",
    "Limits": "konio.io.decoder",
    "discover": "konio.io.inputs",
    "read": "konio.io.decoder",
    "read_many": "konio.io.decoder",
    "start": "konio.io.decoder",
    "write_radiograph": "konio.io.write",
}

__all__ = [
    "Decoder",
    "Inputs",
    "Limits",
    "discover",
    "read",
    "read_many",
    "start",
    "write_radiograph",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'konio.io' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
