"""From outlines to masks: which voxels a reader, or most readers, count to a nodule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from konio.errors import UsageError
from konio.nodules.marks import Contour, Mark

#: Part of the readers that must count a voxel to the nodule.
HALF: Final = 0.5

Mask = NDArray[np.bool_]


def slice_mask(
    contours: Sequence[Contour], shape: tuple[int, int], corner: tuple[int, int]
) -> Mask:
    """Pixels inside the outlines of one slice.

    LIDC's outline is the first pixel outside the nodule, so that its own pixels do not count; an outline too small to hold
    a pixel counts itself. Holes are taken out with their outline.

    Args:
        contours: of one slice.
        shape: ``(rows, columns)`` of the part of the slice.
        corner: ``(row, column)`` where that part begins.

    Returns:
        ``shape`` bool.
    """
    from PIL import Image, ImageDraw

    inside = np.zeros(shape, bool)
    for contour in sorted(contours, key=lambda contour: not contour.inclusion):
        points = contour.points - np.array([corner[1], corner[0]])
        picture = Image.new("1", (shape[1], shape[0]))
        pen = ImageDraw.Draw(picture)
        corners = [(int(x), int(y)) for x, y in points]
        if len(corners) > 2:
            pen.polygon(corners, fill=1, outline=1)
        filled = np.array(picture, bool)
        edge = np.zeros(shape, bool)
        within = np.all((points >= 0) & (points < np.array(shape[::-1])), axis=1)
        edge[points[within, 1], points[within, 0]] = True
        if contour.inclusion:
            core = filled & ~edge
            inside |= core if core.any() else edge
        else:
            inside &= ~(filled | edge)
    return inside


def mark_mask(
    mark: Mark, levels_mm: Sequence[float], shape: tuple[int, int], corner: tuple[int, int] = (0, 0)
) -> Mask:
    """Voxels that one reader outlined.

    Args:
        mark: the reading.
        levels_mm: position of each slice, world z.
        shape: ``(rows, columns)``.
        corner: ``(row, column)`` where the part begins.

    Returns:
        ``(slices, rows, columns)`` bool; outlines without a slice within half the slices' distance are left out.
    """
    levels = np.asarray(levels_mm, np.float64)
    near = float(np.min(np.diff(np.sort(levels)))) / 2 if len(levels) > 1 else 0.5
    mask = np.zeros((len(levels), *shape), bool)
    by_slice: dict[int, list[Contour]] = {}
    for contour in mark.contours:
        index = int(np.argmin(np.abs(levels - contour.z_mm)))
        if abs(levels[index] - contour.z_mm) <= near:
            by_slice.setdefault(index, []).append(contour)
    for index, contours in by_slice.items():
        mask[index] = slice_mask(contours, shape, corner)
    return mask


def consensus(masks: Sequence[Mask], part: float = HALF) -> Mask:
    """Voxels that at least a part of the readers counts to the nodule.

    Args:
        masks: one for each reader, same shape.
        part: 0..1; one half by default.

    Raises:
        UsageError: without masks.
    """
    if not masks:
        raise UsageError("a consensus needs at least one reader's mask; give some")
    return np.asarray(np.mean(np.stack(masks), axis=0) >= part)


def surroundings(
    mark: Mark, spacing_mm: float
) -> tuple[list[float], tuple[int, int], tuple[int, int]]:
    """The smallest part of the scan that holds a mark.

    Args:
        mark: the reading.
        spacing_mm: distance of slices.

    Returns:
        Slice positions, shape ``(rows, columns)`` and corner ``(row, column)``.
    """
    outlines = [c for c in mark.contours if c.inclusion]
    points = np.concatenate([c.points for c in outlines])
    low, high = points.min(axis=0), points.max(axis=0)
    first, last = (f(c.z_mm for c in outlines) for f in (min, max))
    count = round((last - first) / spacing_mm) + 1
    levels = [first + k * spacing_mm for k in range(count)]
    shape = (int(high[1] - low[1]) + 1, int(high[0] - low[0]) + 1)
    return levels, shape, (int(low[1]), int(low[0]))
