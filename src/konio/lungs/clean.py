"""From the network's two probability maps to two solid lungs.

Dense disease looks like no lung to a network. What is surrounded by lung, or lies between lung and the chest wall, is
lung all the same: holes are filled, and so are bays in the lateral border, because the wall of the chest bends outwards
and never in.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

#: A pixel belongs to a lung from this probability on.
THRESHOLD: Final = 0.5

#: A filled pixel counts as lung this surely, so that the border lies where the filling ended.
_FILLED: Final = 0.75

#: A lateral bay is filled up to this part of the lung's height and from this part of its width on. On the Montgomery
#: set filling every bay costs 0.2 points of Dice, these limits none, and recall inside opacities is the same.
_BAY_LENGTH: Final = 0.3
_BAY_DEPTH: Final = 0.05


def largest_part(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest connected part of a mask; all false stays all false."""
    parts, count = ndimage.label(mask)
    if count <= 1:
        return mask
    return np.asarray(parts == np.argmax(np.bincount(parts.ravel())[1:]) + 1)


def fill_holes(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask and everything it surrounds."""
    parts, count = ndimage.label(~mask)
    if count <= 1:
        return mask
    edge = np.concatenate((parts[0], parts[-1], parts[:, 0], parts[:, -1]))
    outside = np.zeros(count + 1, bool)
    outside[edge] = True
    outside[0] = False
    return np.asarray(~outside[parts])


def convex_border(border: NDArray[np.float64]) -> NDArray[np.float64]:
    """Upper convex hull of a curve given at 0, 1, 2, ... (monotone chain, Andrew 1979).

    Args:
        border: ``(n,)`` height of the curve at each place.

    Returns:
        ``(n,)`` the hull at each place; nowhere below ``border``.
    """
    hull: list[tuple[int, float]] = []
    for place, height in enumerate(border.tolist()):
        while len(hull) >= 2:
            (x0, y0), (x1, y1) = hull[-2], hull[-1]
            if (x1 - x0) * (height - y0) < (y1 - y0) * (place - x0):
                break
            hull.pop()
        hull.append((place, height))
    places, heights = zip(*hull, strict=True)
    return np.asarray(np.interp(np.arange(len(border)), places, heights))


def fill_lateral(mask: NDArray[np.bool_], side: str) -> NDArray[np.bool_]:
    """Fill the bays in the lateral border of one lung up to its convex hull.

    Only bays as short and as deep as disease at the chest wall makes them are filled (`_BAY_LENGTH`, `_BAY_DEPTH`); the
    long shallow ones belong to the lung's own shape.

    Args:
        mask: ``(h, w)`` bool, one lung in one piece.
        side: ``right`` (lateral is the film's left) or ``left``.

    Returns:
        ``(h, w)`` bool, nowhere smaller than ``mask``.
    """
    outwards = mask if side == "left" else mask[:, ::-1]
    rows = np.flatnonzero(outwards.any(axis=1))
    if len(rows) < 3:
        return mask
    width = mask.shape[1]
    inner = np.argmax(outwards[rows], axis=1)
    outer = width - 1 - np.argmax(outwards[rows, ::-1], axis=1)
    hull = np.floor(convex_border(outer.astype(np.float64)) + 1e-9)
    pulled = _fill_bays(outer, hull, int(outer.max() - inner.min() + 1))
    columns = np.arange(width)
    filled = outwards.copy()
    filled[rows] |= (
        (columns >= inner[:, None]) & (columns <= pulled[:, None]) & (columns > outer[:, None])
    )
    return filled if side == "left" else filled[:, ::-1]


def _fill_bays(
    border: NDArray[np.intp], hull: NDArray[np.float64], lung_width: int
) -> NDArray[np.float64]:
    """The border, moved out to the hull where a bay is short and deep."""
    filled = border.astype(np.float64)
    depth = hull - border
    ends = np.flatnonzero(depth <= 0)
    for first, last in pairwise(ends):
        bay = slice(first, last)
        short = 1 < last - first <= _BAY_LENGTH * len(border)
        if short and depth[bay].max() >= _BAY_DEPTH * lung_width:
            filled[bay] = hull[bay]
    return filled


def solid(probability: NDArray[np.float32], side: str) -> NDArray[np.float32]:
    """One lung without islands, holes or lateral bays, still as a probability so that its border keeps its place.

    Args:
        probability: ``(h, w)`` float32 in 0..1.
        side: ``right`` or ``left``.

    Returns:
        ``(h, w)`` float32; above `THRESHOLD` is one solid lung.
    """
    seen = probability > THRESHOLD
    main = largest_part(seen)
    whole = fill_holes(main)
    lung = fill_lateral(whole, side)
    if lung.sum() > whole.sum():  # a filled bay may have closed a hole
        lung = fill_holes(lung)
    cleaned = np.where(seen & ~lung, 0, probability)
    return np.asarray(np.where(lung & ~main, np.maximum(cleaned, _FILLED), cleaned), np.float32)
