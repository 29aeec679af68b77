"""Writes a volume as MetaImage: ``.mhd`` with ``.raw`` or, compressed, ``.zraw`` beside it.

The bytes depend on the arguments alone. The data file is written first; a header that exists has its voxels.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from konio.errors import OutputError, RecordError
from konio.io.grid import Grid

_TYPES: Final = {"int16": "MET_SHORT", "uint8": "MET_UCHAR"}


def write_mhd(
    path: str | Path,
    pixels: NDArray[Any],
    grid: Grid,
    *,
    compressed: bool = False,
    synthetic: bool = False,
) -> Path:
    """Write one volume.

    Args:
        path: the ``.mhd`` file; the voxels go beside it.
        pixels: ``(D, H, W)`` int16 HU, or uint8 labels.
        grid: where they lie; of the same shape.
        compressed: zlib (``.zraw``) instead of ``.raw``.
        synthetic: the header says that the volume is made up.

    Returns:
        The path.

    Raises:
        RecordError: if pixels and grid do not fit.
        OutputError: if a file cannot be written.
    """
    file = Path(path)
    if pixels.shape != grid.shape or pixels.dtype.name not in _TYPES:
        raise RecordError(
            f"pixels are {pixels.dtype} of shape {pixels.shape}, the grid is {grid.shape}; "
            f"give {' or '.join(_TYPES)} on that grid"
        )
    data = file.with_suffix(".zraw" if compressed else ".raw")
    raw = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("<")).tobytes()
    content = zlib.compress(raw, 6) if compressed else raw
    text = _header(pixels, grid, data.name, len(content) if compressed else None, synthetic)
    try:
        for target, part_content in ((data, content), (file, text.encode("ascii"))):
            part = target.with_name(f".{target.name}.part")
            part.write_bytes(part_content)
            part.replace(target)
    except OSError as why:
        raise OutputError(
            f"{file} cannot be written ({why.strerror}); choose a folder that exists and has room"
        ) from why
    return file


def _header(
    pixels: NDArray[Any], grid: Grid, data: str, compressed: int | None, synthetic: bool
) -> str:
    axes = grid.matrix.T.ravel().tolist()
    keys = {
        "ObjectType": "Image",
        "NDims": "3",
        **({"Comment": "SYNTHETIC"} if synthetic else {}),
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False",
        "CompressedData": str(compressed is not None),
        **({} if compressed is None else {"CompressedDataSize": str(compressed)}),
        "TransformMatrix": _text(axes),
        "Offset": _text(grid.origin_mm),
        "CenterOfRotation": "0 0 0",
        "ElementSpacing": _text(grid.spacing_mm),
        "DimSize": _text(grid.shape[::-1]),
        "ElementType": _TYPES[pixels.dtype.name],
        "ElementDataFile": data,
    }
    return "".join(f"{key} = {value}\n" for key, value in keys.items())


def _text(numbers: Any) -> str:
    return " ".join(
        repr(n) if isinstance(n, int) else repr(float(n)).removesuffix(".0") for n in numbers
    )
