"""A CT that is read where it is needed: `Volume` knows its grid at once and its voxels only when asked for a box."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from konio.errors import RefusedError, UsageError
from konio.io.grid import Grid
from konio.records import Image, Source

#: Hounsfield units of air; scanners write smaller numbers only outside the field of view.
AIR_HU: Final = -1024

Voxels = NDArray[np.int16]
#: First and last index (exclusive) along z, y, x.
Box = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """One CT scan; pixels are read by `box`, which costs the memory of that box and a little more.

    Args:
        grid: where its voxels lie.
        path: as it was given.
        format: ``mhd``, ``dicom`` or ``memory``.
        reader: gives the voxels of a box that lies inside the grid, HU.
        digest: gives the SHA-256 of the bytes it is read from; computed when `source` asks for it.
        thickness_mm: nominal slice thickness, or ``None`` where the file does not tell it.
        series_uid: DICOM Series Instance UID, or for MHD the file's name (LUNA16 names files so), or empty.
        patient_id: never printed or logged.
        notes: facts a reader should know (``gantry tilt 12.0 degrees``, ``slice thickness 8 mm`` ...).
        missing: slice indices of the grid that no file holds.
    """

    grid: Grid
    path: str
    format: str
    reader: Callable[[Box], Voxels]
    digest: Callable[[], str]
    thickness_mm: float | None = None
    series_uid: str = ""
    patient_id: str | None = None
    notes: tuple[str, ...] = ()
    missing: frozenset[int] = frozenset()

    @classmethod
    def from_array(cls, pixels: Voxels, grid: Grid, path: str = "memory") -> Volume:
        """A volume that is already in memory.

        Args:
            pixels: ``(D, H, W)`` int16 HU.
            grid: of the same shape.
            path: what to call it.

        Raises:
            UsageError: if pixels and grid do not fit.
        """
        if pixels.dtype != np.int16 or pixels.shape != grid.shape:
            raise UsageError(
                f"pixels are {pixels.dtype} of shape {pixels.shape}, the grid is {grid.shape}; "
                "give int16 Hounsfield units on that grid"
            )
        return cls(
            grid,
            path,
            "memory",
            lambda box: np.array(pixels[slices(box)]),
            lambda: hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest(),
        )

    def box(self, z: slice, y: slice, x: slice) -> Voxels:
        """The voxels of a part of the scan; nothing else is read.

        Args:
            z: slices, with Python's meaning of ``slice`` without step.
            y: rows.
            x: columns.

        Returns:
            ``(d, h, w)`` int16 HU, at least `AIR_HU`; a new array.

        Raises:
            UsageError: on an empty box or a step.
            RefusedError: ``missing-slices`` if the box holds a slice that no file holds, or what reading refuses.
        """
        box = _within((z, y, x), self.grid.shape)
        gaps = [index for index in range(*box[0]) if index in self.missing]
        if gaps:
            raise RefusedError("missing-slices", f"{len(gaps)} of {box[0][1] - box[0][0]} needed")
        return np.maximum(self.reader(box), np.int16(AIR_HU))

    def image(self) -> Image:
        """The whole scan in memory.

        Returns:
            ``(D, H, W)`` int16 HU with spacing ``(z, y, x)``.

        Raises:
            RefusedError: as `box`.
        """
        pixels = self.box(slice(None), slice(None), slice(None))
        return Image(pixels, self.grid.spacing_mm[::-1], "ct", self.source())

    def source(self) -> Source:
        """Where the voxels come from; reads every byte once for the digest."""
        return Source(
            path=self.path,
            sha256=self.digest(),
            format=self.format,
            rows=self.grid.shape[1],
            columns=self.grid.shape[2],
            patient_id=self.patient_id,
            notes=self.notes,
        )


def slices(box: Box) -> tuple[slice, slice, slice]:
    """The box as an index of an array."""
    return (slice(*box[0]), slice(*box[1]), slice(*box[2]))


def _within(parts: tuple[slice, slice, slice], shape: tuple[int, int, int]) -> Box:
    ends = [part.indices(size) for part, size in zip(parts, shape, strict=True)]
    if any(step != 1 or last <= first for first, last, step in ends):
        raise UsageError(
            f"the box {parts} holds no voxel of a volume of {shape}; give a part of it"
        )
    (z0, z1, _), (y0, y1, _), (x0, x1, _) = ends
    return ((z0, z1), (y0, y1), (x0, x1))
