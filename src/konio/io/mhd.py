"""MetaImage volumes (``.mhd`` with ``.raw`` or ``.zraw``, ``.mha``), as LUNA16 has them, read slab by slab.

References:
    MetaIO format documentation (keys, TransformMatrix: one row for each axis of the array); dossier section 3.2.
"""

from __future__ import annotations

import hashlib
import mmap
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from konio.errors import RefusedError
from konio.io.grid import Grid, Triple
from konio.io.inflate import Inflated
from konio.io.volume import Box, Volume, Voxels, slices

#: Element types that hold Hounsfield units or labels, as NumPy types.
ELEMENT_TYPES: Final = MappingProxyType(
    {
        "MET_CHAR": "i1",
        "MET_UCHAR": "u1",
        "MET_SHORT": "i2",
        "MET_USHORT": "u2",
        "MET_INT": "i4",
        "MET_UINT": "u4",
        "MET_FLOAT": "f4",
        "MET_DOUBLE": "f8",
    }
)
_HEADER_BYTES: Final = 1 << 16
_LINE: Final = re.compile(r"^\s*([A-Za-z]+)\s*=\s*(.*?)\s*$")
_HASHED_AT_ONCE: Final = 1 << 22

Header = Mapping[str, str]


def read_header(path: Path) -> tuple[Header, int]:
    """Keys and values of a MetaImage header, and where it ends in its file.

    Raises:
        RefusedError: ``missing``, ``unreadable``, ``empty`` or ``bad-header``.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER_BYTES)
    except FileNotFoundError as error:
        raise RefusedError("missing") from error
    except OSError as error:
        raise RefusedError("unreadable", error.strerror or "") from error
    return parse_header(head)


def parse_header(head: bytes) -> tuple[Header, int]:
    """Keys and values at the start of a MetaImage file, and where they end.

    Raises:
        RefusedError: ``empty`` or ``bad-header``.
    """
    if not head:
        raise RefusedError("empty")
    found: dict[str, str] = {}
    end = 0
    for line in head.splitlines(keepends=True):
        end += len(line)
        match = _LINE.match(line.decode("latin-1"))
        if match:
            found[match[1]] = match[2]
        if match and match[1] == "ElementDataFile":
            return MappingProxyType(found), end
    raise RefusedError("bad-header", "it names no ElementDataFile")


def grid_of(header: Header) -> Grid:
    """Where the voxels lie.

    Raises:
        RefusedError: ``bad-header`` if a key is missing or no number.
    """
    if header.get("NDims") != "3":
        raise RefusedError("bad-header", "NDims is not 3")
    size = [int(n) for n in _numbers(header, "DimSize")]
    origin = _numbers(
        header, next((k for k in ("Offset", "Position", "Origin") if k in header), "Offset")
    )
    spacing = _numbers(header, "ElementSpacing")
    axes = np.array(_numbers(header, next((k for k in ("TransformMatrix", "Rotation", "Orientation") if k in header), "TransformMatrix"), 9))  # fmt: skip
    rows = tuple(_triple(row) for row in axes.reshape(3, 3).T.tolist())
    return Grid(
        (size[2], size[1], size[0]), _triple(origin), _triple(spacing), (rows[0], rows[1], rows[2])
    )


def open_mhd(path: Path) -> Volume:
    """A MetaImage volume; nothing of its voxels is read yet.

    Args:
        path: ``.mhd`` or ``.mha`` file.

    Raises:
        RefusedError: with the code that applies.
    """
    header, end = read_header(path)
    grid = grid_of(header)
    if header.get("ElementNumberOfChannels", "1") != "1":
        raise RefusedError("bad-header", "its voxels hold several values")
    dtype = _dtype(header)
    data, start = _data(path, header, end)
    skip = header.get("HeaderSize", "0")
    if not skip.isdigit():
        raise RefusedError("bad-header", "HeaderSize is no whole number")
    start += int(skip)
    if header.get("CompressedData", "False").casefold() == "true":
        reader = _from_stream(data, start, grid, dtype)
    else:
        reader = _from_raw(data, start, grid, dtype)
    return Volume(
        grid=grid,
        path=str(path),
        format="mhd",
        reader=reader,
        digest=lambda: _digest((path,) if data == path else (path, data)),
        series_uid=path.stem,
        notes=tuple(n for n in (header.get("Comment", ""),) if n == "SYNTHETIC"),
    )


def _numbers(header: Header, key: str, count: int = 3) -> list[float]:
    try:
        numbers = [float(part) for part in header[key].split()]
    except (KeyError, ValueError) as error:
        raise RefusedError("bad-header", f"{key} is missing or no number") from error
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise RefusedError("bad-header", f"{key} does not hold {count} numbers")
    return numbers


def _triple(numbers: list[float]) -> Triple:
    return (numbers[0], numbers[1], numbers[2])


def _dtype(header: Header) -> np.dtype[np.generic]:
    name = header.get("ElementType", "")
    if name not in ELEMENT_TYPES:
        raise RefusedError("bad-header", f"ElementType is not one of {', '.join(ELEMENT_TYPES)}")
    big = next(
        (header[k] for k in ("BinaryDataByteOrderMSB", "ElementByteOrderMSB") if k in header),
        "False",
    )
    return np.dtype(ELEMENT_TYPES[name]).newbyteorder(">" if big.casefold() == "true" else "<")


def _data(path: Path, header: Header, end: int) -> tuple[Path, int]:
    """The file that holds the voxels and where they begin; never outside the header's own folder."""
    name = header["ElementDataFile"]
    if name == "LOCAL":
        return path, end
    if not name or name != Path(name).name or name.startswith("LIST"):
        raise RefusedError("bad-header", "ElementDataFile is no plain file name")
    data = path.with_name(name)
    if not data.is_file():
        raise RefusedError("no-pixels", f"{name} does not lie beside it")
    return data, 0


def _from_raw(
    data: Path, start: int, grid: Grid, dtype: np.dtype[np.generic]
) -> Callable[[Box], Voxels]:
    needed = int(np.prod(grid.shape)) * dtype.itemsize
    held = data.stat().st_size - start
    if held < needed:
        raise RefusedError("truncated", f"{max(held, 0)} of {needed} bytes")

    def read(box: Box) -> Voxels:
        plane = grid.shape[1] * grid.shape[2] * dtype.itemsize
        first = start + box[0][0] * plane
        offset = first - first % mmap.ALLOCATIONGRANULARITY
        length = start + box[0][1] * plane - offset
        with (
            data.open("rb") as file,
            mmap.mmap(file.fileno(), length, offset=offset, access=mmap.ACCESS_READ) as window,
        ):
            slab = np.frombuffer(
                window, dtype, (length - (first - offset)) // dtype.itemsize, first - offset
            )
            part = slab.reshape(-1, *grid.shape[1:])[(slice(None), *slices(box)[1:])]
            voxels = _hounsfield(part)
            del slab, part
        return voxels

    return read


def _from_stream(
    data: Path, start: int, grid: Grid, dtype: np.dtype[np.generic]
) -> Callable[[Box], Voxels]:
    plane = grid.shape[1] * grid.shape[2]
    stream = Inflated(data, start, plane * grid.shape[0] * dtype.itemsize)

    def read(box: Box) -> Voxels:
        (z0, z1), (y0, y1), (x0, x1) = box
        out = np.empty((z1 - z0, y1 - y0, x1 - x0), np.int16)
        one = np.empty(plane * dtype.itemsize, np.uint8)
        for z in range(z0, z1):
            stream.into(one.data, z * plane * dtype.itemsize)
            out[z - z0] = _hounsfield(one.view(dtype).reshape(grid.shape[1:])[y0:y1, x0:x1])
        return out

    return read


def _hounsfield(values: NDArray[np.generic]) -> Voxels:
    """Any stored number as int16; what lies beyond its range is clipped."""
    if values.dtype.kind == "f":
        values = np.rint(np.nan_to_num(values.astype(np.float64), nan=-32768.0))
    if values.dtype == np.dtype("<i2") or values.dtype.itemsize == 1:
        return np.array(values, np.int16)
    return np.clip(values.astype(np.float64), -32768, 32767).astype(np.int16)


def _digest(files: tuple[Path, ...]) -> str:
    state = hashlib.sha256()
    for name in files:
        with name.open("rb") as file:
            while part := file.read(_HASHED_AT_ONCE):
                state.update(part)
    return state.hexdigest()
