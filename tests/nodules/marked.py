"""Drawn marks: discs outlined as LIDC's readers do, on a pixel grid."""

from __future__ import annotations

import numpy as np

from konio.nodules.attributes import RATED
from konio.nodules.marks import Contour, Mark, MarkedScan

PIXEL, SLICE = 0.7, 1.25


def outline(centre: tuple[float, float], radius: float) -> np.ndarray:
    """The closed ring of first pixels outside a disc, 8-connected, in order."""
    y, x = np.mgrid[:120, :120]
    disc = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 < radius**2
    grown = disc.copy()
    for axis in (0, 1):
        for step in (-1, 1):
            grown |= np.roll(disc, step, axis)
    ring = np.argwhere(grown & ~disc)
    turn = np.arctan2(ring[:, 0] - centre[1], ring[:, 1] - centre[0])
    points = ring[np.argsort(turn)][:, ::-1]
    return np.vstack([points, points[:1]]).astype(np.int32)


def ball(
    name: str, at: tuple[float, float, float], radius: float, grade: int = 3, **ratings: int | None
) -> Mark:
    """A ball of ``radius`` pixels at ``(x pixel, y pixel, z mm)``."""
    contours = []
    for k in range(-40, 41):
        inner = radius**2 - (k * SLICE / PIXEL) ** 2
        if inner >= 4:
            contours.append(Contour(at[2] + k * SLICE, outline(at[:2], float(np.sqrt(inner)))))
    return Mark(
        name,
        {**dict.fromkeys(RATED, grade), "calcification": 6, "internal_structure": 1, **ratings},
        tuple(contours),
    )


def scan(*marks: Mark, thickness: float = SLICE, uid: str = "1.2.3") -> MarkedScan:
    return MarkedScan("P-1", uid, PIXEL, thickness, SLICE, marks)
