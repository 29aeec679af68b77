"""Does the picture show a chest, and is it the right way round in brightness?

A PA film shows two dark lungs beside a bright mediastinum above a bright abdomen. `chest_likeness` is the
correlation of the film's ranked brightness with that drawing, the best of a few positions and of the whole or one lung: near 1 for a typical film,
near -1 for its negative, near 0 for pictures of other things. Ranks make it blind to gamma, window and device.

Measured on 830 real films (Shenzhen, Montgomery County, ChestX-ray14; benchmarks/polarity.py): smallest value 0.40,
largest value of their negatives -0.40, so no false alarm and no negative missed. Scaled by 0.75 to 1.3, shifted by a
tenth, turned by 10 degrees or with gamma 0.4 to 2.5, the smallest is 0.36. What it cannot do: of films with one lung
whitened completely, up to its border and beyond, one in a hundred is taken for a negative.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from konio.errors import RefusedError

#: A film at or above this shows a chest with bright bone.
LEAST_LIKENESS: Final = 0.20
#: A film at or below this shows a chest with dark bone; between the two it shows no chest.
INVERTED_LIKENESS: Final = -0.25
#: A picture at or above this after it was turned shows a chest that does not stand upright.
SURE_LIKENESS: Final = 0.40
#: By so much the turned picture must be more like a chest than the picture as it is is like a negative.
_TURNED_BY: Final = 0.05
#: Sides below this cannot be compared with the drawing.
LEAST_SIDE: Final = 64
#: Fewer different brightnesses than this make a drawing or a mask, not a film.
LEAST_SHADES: Final = 16
#: The middle 98 % of a film span at least this part of the scale.
LEAST_CONTRAST: Final = 0.03

_COARSE: Final = 64  # cells a side on which borders are found
_MOSTLY: Final = 0.6
_FINE: Final = 32  # cells a side on which the drawing is compared

Floats = NDArray[np.float64]


def check_content(pixels: NDArray[np.float32], *, headed: bool = True) -> None:
    """Refuse a picture that is blank, a drawing, no chest, or a chest in negative.

    Args:
        pixels: ``(H, W)`` canonical brightness 0..1.
        headed: whether a header said which end of the scale is bright; PNG and JPEG have none.

    Raises:
        RefusedError: ``blank``, ``not-radiograph``, or for a negative ``inverted`` (``negative`` without a header); ``upside-down``
            for a chest that lies on its side or head, which the drawing takes for a negative.
    """
    step = max(1, min(pixels.shape) // (4 * _COARSE))
    sample = np.ascontiguousarray(pixels[::step, ::step])
    low, high = np.percentile(sample, [1, 99])
    if high - low < LEAST_CONTRAST:
        raise RefusedError("blank", f"brightness {low:.2f} to {high:.2f}")
    shades = np.unique(sample).size
    if shades < LEAST_SHADES:
        raise RefusedError("not-radiograph", f"a picture of {shades} shades")
    likeness = chest_likeness(sample)
    if likeness <= INVERTED_LIKENESS:
        turned = max(chest_likeness(np.rot90(sample, quarters).copy()) for quarters in (1, 2, 3))
        if turned >= max(SURE_LIKENESS, _TURNED_BY - likeness):
            detail = f"chest pattern {likeness:+.2f}, turned over {turned:+.2f}"
            raise RefusedError("upside-down", detail)
        raise RefusedError("inverted" if headed else "negative", f"chest pattern {likeness:+.2f}")
    if likeness < LEAST_LIKENESS:
        raise RefusedError("not-radiograph", f"chest pattern {likeness:+.2f}")


def chest_likeness(pixels: NDArray[np.floating]) -> float:
    """Correlation of a picture with the drawing of a chest, -1..1.

    Args:
        pixels: ``(H, W)`` brightness, at least 64 x 64, any scale.

    Returns:
        The correlation that is largest in size over the positions tried; the negative's is its opposite.
    """
    coarse = _cells(pixels, _COARSE)
    ranked = _ranks(_resample(_without_border(coarse), _FINE)).ravel()
    mean = _WEIGHTS @ ranked
    variance = _WEIGHTS @ (ranked * ranked) - mean * mean
    scores = (_DRAWINGS @ ranked) / np.sqrt(np.maximum(variance, 1e-12))
    return float(scores[np.abs(scores).argmax()])


def _cells(pixels: NDArray[np.floating], side: int) -> Floats:
    """Means of ``side`` x ``side`` cells."""
    rows, columns = (np.linspace(0, n, side + 1).astype(int) for n in pixels.shape)
    sums = np.add.reduceat(pixels, rows[:-1], axis=0, dtype=np.float64)
    sums = np.add.reduceat(sums, columns[:-1], axis=1)
    return np.asarray(sums / np.outer(np.diff(rows), np.diff(columns)))


def _without_border(cells: Floats) -> Floats:
    """The cells without outer rows and columns that are mostly black or mostly white (collimator, padding, air)."""
    low, high = float(cells.min()), float(cells.max())
    margin = 0.03 * (high - low)
    extreme = (cells < low + margin) | (cells > high - margin)
    top, bottom, left, right = 0, cells.shape[0], 0, cells.shape[1]
    least = cells.shape[0] // 2
    while True:
        rows, columns = (
            extreme[top:bottom, left:right].mean(1),
            extreme[top:bottom, left:right].mean(0),
        )
        before = (top, bottom, left, right)
        if bottom - top > least:
            top += int(rows[0] > _MOSTLY)
            bottom -= int(rows[-1] > _MOSTLY)
        if right - left > least:
            left += int(columns[0] > _MOSTLY)
            right -= int(columns[-1] > _MOSTLY)
        if before == (top, bottom, left, right):
            return cells[top:bottom, left:right]


def _resample(cells: Floats, side: int) -> Floats:
    """Bilinear on ``side`` x ``side``."""
    return _along(_along(cells, side).T, side).T


def _along(cells: Floats, side: int) -> Floats:
    count = cells.shape[0]
    place = (np.arange(side) + 0.5) * count / side - 0.5
    lower = np.clip(np.floor(place).astype(int), 0, count - 2)
    part = np.clip(place - lower, 0, 1)[:, None]
    return np.asarray(cells[lower] * (1 - part) + cells[lower + 1] * part)


def _ranks(cells: Floats) -> Floats:
    order = np.empty(cells.size)
    order[np.argsort(cells, axis=None, kind="stable")] = np.arange(cells.size)
    return (order / cells.size).reshape(cells.shape)


def _drawing(right: float, down: float, part: str) -> tuple[Floats, Floats]:
    """The chest drawn at an offset (parts of the side) and how much each cell counts; both flat."""
    v, u = np.meshgrid(*[(np.arange(_FINE) + 0.5) / _FINE] * 2, indexing="ij")

    def blob(x: float, y: float, wide: float, high: float) -> Floats:
        across, along = (u - x - right) / wide, (v - y - down) / high
        return np.asarray(np.exp(-(across**2 + along**2) / 2))

    lungs = blob(0.28, 0.45, 0.08, 0.16) + blob(0.72, 0.45, 0.08, 0.16)
    bright = blob(0.5, 0.45, 0.05, 0.30) + 0.8 * blob(0.5, 0.95, 0.28, 0.09)
    weights = blob(0.5, 0.5, 0.30, 0.35)
    if part != "whole":  # one lung with the mediastinum, for films whose other lung is white
        beyond = u - right - 0.58 if part == "left" else 0.42 - (u - right)
        weights = weights / (1 + np.exp(beyond / 0.02))
    weights /= weights.sum()
    drawing = np.clip(bright, 0, 1) - np.clip(lungs, 0, 1)
    drawing -= (weights * drawing).sum()
    drawing /= np.sqrt((weights * drawing**2).sum())
    return (weights * drawing).ravel(), weights.ravel()


_PLACES: Final = tuple(
    (right, down, part)
    for right in (-0.10, -0.05, 0.0, 0.05, 0.10)
    for down in (-0.10, -0.05, 0.0, 0.05)
    for part in ("whole", "left", "right")
)
_DRAWINGS: Final = np.stack([_drawing(*place)[0] for place in _PLACES])  # (places, cells)
_WEIGHTS: Final = np.stack([_drawing(*place)[1] for place in _PLACES])
