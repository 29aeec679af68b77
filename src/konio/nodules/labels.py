"""From readings to the classes a network learns, by the rules of paper C and their alternatives.

Every function returns ``(n,)`` int64 with `konio.tasks.MISSING` where a nodule has no class.

References:
    Paper C, section 3.1; dossier sections 3.1 and 3.7.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from konio.errors import UsageError
from konio.nodules.attributes import CALCIFICATION_ABSENT, SCALES
from konio.tasks import MISSING

#: Means between these are neither class (paper C).
LOW, HIGH = 2.75, 3.25
#: The middle of the five grades.
MIDDLE: Final = 3.0
#: Diameter from which a nodule counts as large: Fleischner Society 2017 (a declared choice; paper C gives none).
LARGE_MM: Final = 8.0

Labels = NDArray[np.int64]


def two_classes(means: ArrayLike, low: float = LOW, high: float = HIGH) -> Labels:
    """0 below ``low``, 1 above ``high``, nothing between.

    Args:
        means: ``(n,)`` mean ratings, NaN where unknown.
        low: end of the lower class, exclusive.
        high: begin of the upper class, exclusive.

    Examples:
        >>> two_classes([2.5, 2.75, 3.0, 3.5]).tolist()
        [0, -1, -1, 1]
    """
    values = np.asarray(means, np.float64)
    if low > high:
        raise UsageError(f"the lower class ends at {low}, above {high}; give low <= high")
    return _labels(values, (values < low, values > high))


def three_classes(ratings: ArrayLike, middle: str = "mean") -> Labels:
    """0 below 3, 1 at 3, 2 above 3.

    Args:
        ratings: ``(n, readers)`` grades, NaN where not rated.
        middle: ``mean``: class 1 is a mean of exactly 3, whatever the readers said (2 and 4 too). ``unanimous``: every
            reader said 3; a mean of 3 without agreement has no class.

    Examples:
        >>> three_classes([[2, 4, 3], [3, 3, 3], [1, 2, 2]], "unanimous").tolist()
        [-1, 1, 0]
    """
    grades = np.asarray(ratings, np.float64)
    means = mean_ratings(grades)
    at_middle = np.abs(means - MIDDLE) < 1e-9
    if middle == "unanimous":
        agreed = at_middle & np.all(np.isnan(grades) | (grades == MIDDLE), axis=1)
    elif middle == "mean":
        agreed = at_middle
    else:
        raise UsageError(f"middle {middle!r} is unknown; use mean or unanimous")
    return _labels(means, (~at_middle & (means < MIDDLE), agreed, ~at_middle & (means > MIDDLE)))


def calcification(
    codes: ArrayLike, mode: str = "absent_vs_present", by: str = "majority"
) -> Labels:
    """Classes of calcification, whose codes carry no order.

    Args:
        codes: ``(n, readers)`` codes 1..6, NaN where not rated; 6 is absent.
        mode: ``absent_vs_present``: 0 if absent, 1 if present. ``nominal``: the commonest code, 0 popcorn … 5 absent.
            ``paper_average``: the mean of the raw codes, below 2.75 or above 3.25, as paper C does with every
            characteristic; it has no meaning on these codes and is there for comparison only.
        by: for the first mode, ``majority`` of the readers (a tie has no class) or ``any`` reader who saw some. In the
            second mode the commonest code counts and a tie has no class.

    Examples:
        >>> calcification([[6, 6, 3], [3, 6, 3], [6, 6, 6]]).tolist()
        [0, 1, 0]
    """
    values = np.asarray(codes, np.float64)
    if mode == "paper_average":
        return two_classes(mean_ratings(values))
    if mode == "nominal":
        return _commonest(values)
    if mode != "absent_vs_present":
        raise UsageError(
            f"mode {mode!r} is unknown; use absent_vs_present, nominal or paper_average"
        )
    if by not in ("majority", "any"):
        raise UsageError(f"by {by!r} is unknown; use majority or any")
    known = ~np.isnan(values)
    share = ((values < CALCIFICATION_ABSENT) & known).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    share[~known.any(axis=1)] = np.nan
    limit = 0.5 if by == "majority" else 0.0
    present = share > limit
    return _labels(share, ((share < limit) if by == "majority" else share == 0, present))


def large(diameters: ArrayLike, at_least_mm: float = LARGE_MM) -> Labels:
    """0 below a diameter, 1 from it on.

    Args:
        diameters: ``(n,)`` mm, NaN where unknown.
        at_least_mm: the limit.
    """
    values = np.asarray(diameters, np.float64)
    return _labels(values, (values < at_least_mm, values >= at_least_mm))


def mean_ratings(ratings: ArrayLike) -> NDArray[np.float64]:
    """Mean over the readers who rated, ``(n,)``; NaN where nobody did."""
    grades = np.asarray(ratings, np.float64)
    known = ~np.isnan(grades)
    total = np.where(known, grades, 0).sum(axis=1)
    count = known.sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _commonest(values: NDArray[np.float64]) -> Labels:
    codes = np.arange(1, len(SCALES["calcification"]) + 1)
    counts = (values[:, :, None] == codes).sum(axis=1)
    most = counts.max(axis=1)
    alone = (counts == most[:, None]).sum(axis=1) == 1
    return np.where(alone & (most > 0), counts.argmax(axis=1), MISSING).astype(np.int64)


def _labels(values: NDArray[np.float64], classes: tuple[NDArray[np.bool_], ...]) -> Labels:
    out = np.full(values.shape[0], MISSING, np.int64)
    for number, members in enumerate(classes):
        out[members] = number
    return out
