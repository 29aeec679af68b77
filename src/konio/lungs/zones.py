"""Six zones by GBZ 70-2015, 3.7: apex to dome of the diaphragm in three equal heights, on each side.

Lung below the level of the dome (the costophrenic recess) belongs to the lower zone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from konio.errors import RecordError

#: Columns of a lung, as parts of its width, in which the level of the dome is read (the mid-lung columns).
_DOME_COLUMNS = (0.4, 0.6)


def dome_row(lung: NDArray[np.bool_]) -> int:
    """Level of the dome: median lower border of one lung in its middle columns.

    The very highest point of the lower border is no use: towards the middle the border is the heart's.

    Args:
        lung: ``(h, w)`` bool, one lung, not empty.

    Returns:
        The last row of lung above the dome.
    """
    columns = np.flatnonzero(lung.any(axis=0))
    first, last = columns[0], columns[-1]
    near, far = (round(first + part * (last - first)) for part in _DOME_COLUMNS)
    middle = columns[(columns >= near) & (columns <= far)]
    lowest = lung.shape[0] - 1 - np.argmax(lung[::-1, middle], axis=0)
    return int(np.median(lowest))


def zone_limits(lung: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Rows that bound the three zones of one lung: apex, two cuts, first row below the dome.

    Args:
        lung: ``(h, w)`` bool, one lung, not empty.

    Returns:
        ``(apex, upper_end, middle_end, dome_end)``, each end exclusive; the heights differ by at most one row.
    """
    apex = int(np.flatnonzero(lung.any(axis=1))[0])
    end = max(dome_row(lung) + 1, apex + 3)
    height = end - apex
    return (apex, apex + round(height / 3), apex + round(2 * height / 3), end)


def zones_from_sides(right: NDArray[np.bool_], left: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Zones of two lungs that are already told apart.

    Args:
        right: ``(h, w)`` bool, the patient's right lung (on the film's left).
        left: ``(h, w)`` bool, the patient's left lung.

    Returns:
        ``(h, w)`` uint8, 0 outside, 1..6 in the order of `konio.tasks.ZONES`.

    Raises:
        RecordError: if a lung is empty or the two overlap.
    """
    if not right.any() or not left.any() or (right & left).any():
        raise RecordError(
            "zones need two lungs that do not overlap, and one is empty or they do; give a mask of both lungs"
        )
    zones = np.zeros(right.shape, np.uint8)
    rows = np.arange(right.shape[0])
    for first, lung in ((1, right), (4, left)):
        _, upper_end, middle_end, _ = zone_limits(lung)
        level = first + (rows >= upper_end) + (rows >= middle_end)  # (h,)
        zones = np.where(lung, level[:, None], zones).astype(np.uint8)
    return zones


def sides_from_mask(mask: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell the two lungs of one mask apart: its two largest parts, or its halves if it is one piece.

    Smaller parts go to the lung whose middle is nearer.

    Args:
        mask: ``(h, w)`` bool, both lungs.

    Returns:
        Masks of the patient's right and left lung; together they are ``mask``.

    Raises:
        RecordError: if the mask is empty.
    """
    from scipy import ndimage

    if not mask.any():
        raise RecordError("the lung mask is empty; give a mask with both lungs")
    parts, count = ndimage.label(mask)
    middles = np.array([c for _, c in ndimage.center_of_mass(mask, parts, range(1, count + 1))])
    sizes = np.bincount(parts.ravel(), minlength=count + 1)[1:]
    largest = np.argsort(sizes, kind="stable")[::-1][:2]
    columns = np.arange(mask.shape[1])
    if count == 1 or sizes[largest[1]] < 0.1 * sizes[largest[0]]:
        is_right = np.broadcast_to(columns < np.flatnonzero(mask.any(axis=0)).mean(), mask.shape)
    else:
        cut = middles[largest].mean()
        is_right = np.concatenate(([False], middles < cut))[parts]
    return mask & is_right, mask & ~is_right


def zones_from_mask(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Zones of a mask of both lungs, for masks from files.

    Args:
        mask: ``(h, w)`` bool.

    Returns:
        ``(h, w)`` uint8, 0 outside, 1..6 in the order of `konio.tasks.ZONES`.

    Raises:
        RecordError: if the mask does not hold two lungs.

    References:
        GBZ 70-2015, 3.7.
    """
    return zones_from_sides(*sides_from_mask(mask))
