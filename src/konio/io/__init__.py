"""Files in: radiographs from DICOM, PNG and JPEG as `konio.records.Image`, CT from MHD and DICOM as `Volume`.

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
    from konio.io.ct import open_ct
    from konio.io.decoder import Decoder, Limits, read, read_many, start
    from konio.io.grid import Grid
    from konio.io.inputs import Inputs, discover
    from konio.io.mhd import open_mhd
    from konio.io.series import find_series, open_series
    from konio.io.volume import Volume
    from konio.io.write import write_radiograph
    from konio.io.write_volume import write_mhd

_HOMES: Final = {
    "Decoder": "konio.io.decoder",
    "Grid": "konio.io.grid",
    "Inputs": "konio.io.inputs",
    "Limits": "konio.io.decoder",
    "Volume": "konio.io.volume",
    "discover": "konio.io.inputs",
    "find_series": "konio.io.series",
    "open_ct": "konio.io.ct",
    "open_mhd": "konio.io.mhd",
    "open_series": "konio.io.series",
    "read": "konio.io.decoder",
    "read_many": "konio.io.decoder",
    "start": "konio.io.decoder",
    "write_mhd": "konio.io.write_volume",
    "write_radiograph": "konio.io.write",
}

__all__ = [
    "Decoder",
    "Grid",
    "Inputs",
    "Limits",
    "Volume",
    "discover",
    "find_series",
    "open_ct",
    "open_mhd",
    "open_series",
    "read",
    "read_many",
    "start",
    "write_mhd",
    "write_radiograph",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'konio.io' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
