"""The voxels of a made-up CT, and painting small things into them without touching the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Triple = tuple[float, float, float]
Cut = tuple[slice, slice, slice]

#: Distances of slices and how many of LUNA16's 888 scans have them.
_SLICES: Final = ((0.625, 0.14), (0.7, 0.04), (1.0, 0.12), (1.25, 0.24), (1.8, 0.08), (2.0, 0.05), (2.5, 0.33))  # fmt: skip
_PIXELS: Final = (0.5, 0.9)
#: Slices thicker than this are rendered as several thin ones and averaged.
_THIN_MM: Final = 0.9


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A grid around the nodule's centre.

    Args:
        spacing_mm: ``(z, y, x)``.
        shape: voxels.
        centre: fractional index of the nodule's centre.
        thin: how many thin slices make one.
    """

    spacing_mm: Triple
    shape: tuple[int, int, int]
    centre: Triple
    thin: int

    def lines(self) -> tuple[Floats, Floats, Floats]:
        """Millimetres from the nodule's centre along z (thin slices), y and x."""
        z, y, x = (
            (np.arange(n, dtype=np.float32) - np.float32(c)) * np.float32(s)
            for n, c, s in zip(self.shape, self.centre, self.spacing_mm, strict=True)
        )
        inner = (np.arange(self.thin) + 0.5) / self.thin - 0.5
        fine = z[:, None] + inner[None, :] * self.spacing_mm[0]
        return np.asarray(fine.ravel(), np.float32), y, x

    def average(self, thin_slices: Floats) -> Floats:
        """Thin slices averaged to slices."""
        parts = thin_slices.reshape(self.shape[0], self.thin, *self.shape[1:])
        return np.asarray(parts.mean(axis=1), np.float32)


def draw_frame(
    rng: np.random.Generator, field_mm: float, spacing_mm: Triple | None = None
) -> Frame:
    """A grid of a cube of ``field_mm`` with the nodule within 3 mm of its middle.

    Args:
        rng: generator.
        field_mm: side of the cube.
        spacing_mm: ``(z, y, x)``; drawn as they occur in LUNA16 if ``None``.
    """
    if spacing_mm is None:
        values, weights = zip(*_SLICES, strict=True)
        pixel = float(rng.uniform(*_PIXELS))
        spacing_mm = (float(rng.choice(values, p=weights)), pixel, pixel)
    counts = [max(round(field_mm / s), 8) for s in spacing_mm]
    off = rng.uniform(-3, 3, 3) * min(field_mm / 64, 1)
    middle = [(n - 1) / 2 + o / s for n, o, s in zip(counts, off, spacing_mm, strict=True)]
    thin = int(np.ceil(spacing_mm[0] / _THIN_MM))
    return Frame(
        spacing_mm, (counts[0], counts[1], counts[2]), (middle[0], middle[1], middle[2]), thin
    )


def local(
    lines: tuple[Floats, Floats, Floats], low: Triple, high: Triple
) -> tuple[Cut, Floats] | None:
    """The part of the grid between two corners and its points, or ``None`` if there is none.

    Args:
        lines: millimetres along each axis.
        low: corner, mm ``(z, y, x)``.
        high: the opposite corner.

    Returns:
        The index of the part, and ``(d, h, w, 3)`` float32 points in mm.
    """
    cuts = []
    for line, a, b in zip(lines, low, high, strict=True):
        first, last = np.searchsorted(line, [a, b])
        if last <= first:
            return None
        cuts.append(slice(int(first), int(last)))
    grids = np.meshgrid(*(line[cut] for line, cut in zip(lines, cuts, strict=True)), indexing="ij")
    return (cuts[0], cuts[1], cuts[2]), np.stack(grids, -1)


def rod(points: Floats, a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[Floats, Floats]:
    """Distance of points from a segment, and where along it (0..1) the nearest place lies.

    Args:
        points: ``(..., 3)`` mm.
        a: one end.
        b: the other end.
    """
    along = (b - a).astype(np.float32)
    away = points - a.astype(np.float32)
    part = np.clip(away @ along / np.float32(max(float(along @ along), 1e-9)), 0, 1)
    distance = np.linalg.norm(away - part[..., None] * along, axis=-1)
    return np.asarray(distance, np.float32), np.asarray(part, np.float32)
