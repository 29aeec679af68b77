"""What LIDC-IDRI holds of a scan: each reader's marks, with ratings and contours, not yet joined into nodules."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from konio.errors import RecordError
from konio.nodules.attributes import RATED, SCALES

Points = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Contour:
    """One closed outline in one slice.

    Args:
        z_mm: position of the slice, world millimetres (LIDC: ``imageZposition``).
        points: ``(n, 2)`` pixel indices ``(x, y)``: the first pixels outside the nodule, in order.
        inclusion: whether the outline bounds the nodule; otherwise a hole in it.
    """

    z_mm: float
    points: NDArray[np.int32]
    inclusion: bool = True

    @cached_property
    def area(self) -> tuple[float, float, float]:
        """Area and centroid ``(x, y)`` of the polygon, pixels (shoelace formula)."""
        return _area(self.points)

    @property
    def pixels(self) -> float:
        """Number of pixels inside, by Pick's theorem: area - points / 2 + 1."""
        flat = self.points.astype(np.int64) @ np.array([1 << 20, 1])
        return self.area[0] - len(set(flat.tolist())) / 2 + 1

    @property
    def middle(self) -> tuple[float, float]:
        """Centroid of the area, ``(x, y)`` pixels."""
        return self.area[1:]


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """One reader's reading of one nodule of at least 3 mm.

    Args:
        name: what the source calls it.
        ratings: characteristic to grade; ``None`` where the reader gave none. A grade outside its scale (LIDC-IDRI holds
            a few) says nothing and becomes ``None``.
        contours: the outlines, at least one of them bounding the nodule.

    Raises:
        RecordError: on a mark without outline.
    """

    name: str
    ratings: Mapping[str, int | None]
    contours: tuple[Contour, ...]

    def __post_init__(self) -> None:
        if not any(contour.inclusion for contour in self.contours):
            raise RecordError(f"mark {self.name!r} has no outline; leave it out")
        kept = {name: _graded(name, self.ratings.get(name)) for name in RATED}
        object.__setattr__(self, "ratings", MappingProxyType(kept))

    def outline(self, pixel_mm: float) -> Points:
        """All points of the outlines in millimetres of the pixel grid, ``(n, 3)`` as ``(x, y, z)``."""
        parts = [
            np.column_stack([c.points * pixel_mm, np.full(len(c.points), c.z_mm)])
            for c in self.contours
            if c.inclusion
        ]
        return np.concatenate(parts)

    def centre(self) -> Points:
        """Middle of the outlined voxels, ``(x pixel, y pixel, z mm)``: each slice weighs as much as it outlines."""
        sums = np.zeros(3)
        total = 0.0
        for contour in self.contours:
            weight = max(contour.pixels, 1.0) * (1 if contour.inclusion else -1)
            sums += weight * np.array([*contour.middle, contour.z_mm])
            total += weight
        if total <= 0:
            return np.asarray(self.outline(1.0).mean(axis=0))
        return sums / total

    def diameter_mm(self, pixel_mm: float, spacing_mm: float) -> float:
        """Diameter of the sphere of the outlined volume, millimetres; at least that of one voxel.

        On LUNA16's nodules the mean over the readers agrees with ``diameter_mm`` of its ``annotations.csv``.

        Args:
            pixel_mm: distance of pixel centres.
            spacing_mm: distance of slices.
        """
        inside = sum(max(c.pixels, 1.0) * (1 if c.inclusion else -1) for c in self.contours)
        volume = max(inside, 1.0) * pixel_mm**2 * spacing_mm
        return float((6 * volume / math.pi) ** (1 / 3))


@dataclass(frozen=True, slots=True, eq=False)
class MarkedScan:
    """One scan with all readers' marks.

    Args:
        patient_id: of the collection, or the series where it is unknown.
        series_uid: DICOM Series Instance UID.
        pixel_mm: distance of pixel centres in a slice.
        thickness_mm: slice thickness.
        spacing_mm: distance of neighbouring slices.
        marks: of all readers, in the order of the source.
        initial_release: whether it is one of the first 399 scans, ``None`` if unknown.
    """

    patient_id: str
    series_uid: str
    pixel_mm: float
    thickness_mm: float
    spacing_mm: float
    marks: tuple[Mark, ...]
    initial_release: bool | None = None


def _graded(name: str, grade: int | None) -> int | None:
    return grade if grade is not None and 1 <= grade <= len(SCALES[name]) else None


def _area(points: NDArray[np.int32]) -> tuple[float, float, float]:
    """Area and centroid of a polygon; the mean of its points where it has no area."""
    x, y = points.T.astype(np.float64)
    next_x, next_y = np.roll(x, -1), np.roll(y, -1)
    cross = x * next_y - next_x * y
    twice = float(cross.sum())
    if abs(twice) < 1e-9:
        return 0.0, float(x.mean()), float(y.mean())
    middle_x = float(((x + next_x) * cross).sum()) / (3 * twice)
    middle_y = float(((y + next_y) * cross).sum()) / (3 * twice)
    return abs(twice) / 2, middle_x, middle_y
