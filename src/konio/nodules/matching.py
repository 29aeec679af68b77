"""From the marks of up to four readers to nodules: which marks mean the same one.

The rule (after the one the package ``pylidc`` publishes): two marks touch if the smallest distance of their outlines is
at most the slice thickness; marks that touch directly or through others form a group. A group of more than four marks
cannot be one nodule seen by four readers: within it the distance is made smaller by a tenth until every part has
at most four, or the distance falls below 0.1 mm. What outlines that overlap still hold together (two nodules side by side) is
parted by the distances of the marks' centres in the same way.

References:
    Hancock and Magnan, Journal of Medical Imaging 3(4):044504 (2016); dossier section 3.4.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from konio.nodules.attributes import MOST_READERS
from konio.nodules.marks import Mark, MarkedScan

#: By how much the distance is made smaller at a time, and where that ends, millimetres.
TIGHTEN: Final = 0.9
LEAST_MM: Final = 0.1


def match(scan: MarkedScan) -> tuple[tuple[Mark, ...], ...]:
    """Groups of marks that mean the same nodule.

    Args:
        scan: all marks of one scan.

    Returns:
        The groups in the order of their first mark; marks in the order of the source.
    """
    outlines = [mark.outline(scan.pixel_mm) for mark in scan.marks]
    apart = distances(outlines, scan.thickness_mm)
    groups = _split(list(range(len(scan.marks))), apart, scan.thickness_mm)
    if any(len(group) > MOST_READERS for group in groups):
        centres = np.array([mark.centre() for mark in scan.marks])
        centres[:, :2] *= scan.pixel_mm
        between = np.linalg.norm(centres[:, None] - centres[None], axis=-1)
        groups = [part for group in groups for part in _split(group, between, between.max())]
    return tuple(tuple(scan.marks[i] for i in group) for group in sorted(groups))


def distances(outlines: list[NDArray[np.float64]], up_to: float) -> NDArray[np.float64]:
    """Smallest distance of any two outlines, infinite where their boxes lie further apart than ``up_to``.

    Args:
        outlines: ``(n_i, 3)`` millimetres.
        up_to: distance of interest, millimetres.

    Returns:
        ``(N, N)`` symmetric, 0 on the diagonal.
    """
    from scipy.spatial import cKDTree

    count = len(outlines)
    apart = np.full((count, count), np.inf)
    np.fill_diagonal(apart, 0)
    lows = [points.min(axis=0) for points in outlines]
    highs = [points.max(axis=0) for points in outlines]
    trees: dict[int, Any] = {}
    for i in range(count):
        for j in range(i + 1, count):
            gap = np.maximum(np.maximum(lows[i] - highs[j], lows[j] - highs[i]), 0)
            if np.linalg.norm(gap) <= up_to:
                if j not in trees:
                    trees[j] = cKDTree(outlines[j])
                nearest, _ = trees[j].query(outlines[i])
                apart[i, j] = apart[j, i] = float(nearest.min())
    return apart


def _split(members: list[int], apart: NDArray[np.float64], within: float) -> list[list[int]]:
    out = []
    for group in _connected(members, apart, within):
        if len(group) > MOST_READERS and within * TIGHTEN >= LEAST_MM:
            out += _split(group, apart, within * TIGHTEN)
        else:
            out.append(group)
    return out


def _connected(members: list[int], apart: NDArray[np.float64], within: float) -> list[list[int]]:
    """Connected parts of the graph whose edges are distances up to ``within``."""
    left = list(members)
    groups = []
    while left:
        group, border = [left[0]], [left.pop(0)]
        while border:
            near = [i for i in left if apart[border[0], i] <= within]
            left = [i for i in left if i not in near]
            group += near
            border = [*border[1:], *near]
        groups.append(sorted(group))
    return groups
