"""Are these two lungs? Shape, size and place of both masks, measured and held against what real films show.

The limits lie outside what the films of `benchmarks/lungs.py` show (800 real ones and made-up patients), so that a
film is refused only when its masks cannot be the two lungs of a frontal chest film.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from konio.lungs.clean import THRESHOLD


@dataclass(frozen=True, slots=True)
class TwoLungs:
    """Measures of the two masks; lengths and areas as parts of the film.

    Args:
        smaller: area of the smaller lung.
        larger: area of the larger lung.
        ratio: smaller to larger area.
        overlap: part of the shorter lung's height that the other lung has beside it.
        order: from the middle of the right lung to the middle of the left one, as part of the film's width; negative
            if they lie the wrong way round.
        slimness: height to width of the plumper lung.
        solidity: area of both lungs to the area of their row-wise convex fill, smaller lung first.
        certainty: mean probability inside both masks, 0.5..1.
        stray: area the network called lung but outside the two solid lungs, to the lungs' area.
    """

    smaller: float
    larger: float
    ratio: float
    overlap: float
    order: float
    slimness: float
    solidity: float
    certainty: float
    stray: float


class Limit(NamedTuple):
    """The range in which a measure is still plausible, and the words for leaving it."""

    low: float
    high: float
    words: str


#: What two lungs of a frontal film never leave.
LIMITS: Final[dict[str, Limit]] = {
    "smaller": Limit(0.015, 0.30, "one lung is missing or out of proportion to the film"),
    "larger": Limit(0.03, 0.35, "a lung is out of proportion to the film"),
    "ratio": Limit(0.15, 1.0, "one side is far larger than the other"),
    "overlap": Limit(0.70, 1.0, "the two sides do not lie beside each other"),
    "order": Limit(0.12, 0.75, "the two sides are too close or too far apart"),
    "slimness": Limit(0.90, 5.0, "their shape is not that of lungs seen from the front"),
    "solidity": Limit(0.60, 1.0, "their outline is torn"),
    "certainty": Limit(0.70, 1.0, "nothing in the picture looks clearly like lung"),
    "stray": Limit(0.0, 0.30, "the picture is lung-like in too many places"),
}


def measure(
    right: NDArray[np.float32], left: NDArray[np.float32], raw: NDArray[np.float32]
) -> TwoLungs | None:
    """Measure two solid lungs.

    Args:
        right: ``(h, w)`` probability of the solid right lung.
        left: ``(h, w)`` probability of the solid left lung.
        raw: ``(2, h, w)`` the network's own probabilities.

    Returns:
        The measures, or ``None`` if a lung is empty.
    """
    masks = (right > THRESHOLD, left > THRESHOLD)
    areas = [int(mask.sum()) for mask in masks]
    if min(areas) == 0:
        return None
    rows, columns = ([np.flatnonzero(mask.any(axis=axis)) for mask in masks] for axis in (1, 0))
    heights = [r[-1] - r[0] + 1 for r in rows]
    widths = [c[-1] - c[0] + 1 for c in columns]
    shared = min(rows[0][-1], rows[1][-1]) - max(rows[0][0], rows[1][0]) + 1
    middles = [np.nonzero(mask)[1].mean() for mask in masks]
    both = masks[0] | masks[1]
    seen = raw > THRESHOLD
    return TwoLungs(
        smaller=min(areas) / right.size,
        larger=max(areas) / right.size,
        ratio=min(areas) / max(areas),
        overlap=max(0.0, shared / min(heights)),
        order=float(middles[1] - middles[0]) / right.shape[1],
        slimness=min(h / w for h, w in zip(heights, widths, strict=True)),
        solidity=min(area / _row_fill(mask) for area, mask in zip(areas, masks, strict=True)),
        certainty=float(raw.max(axis=0)[both].mean()),
        stray=float((seen.any(axis=0) & ~both).sum()) / sum(areas),
    )


def objection(lungs: TwoLungs | None) -> str | None:
    """Why these cannot be two lungs, in words, or ``None`` if they can."""
    if lungs is None:
        return "one side or both show no lung"
    for name, limit in LIMITS.items():
        value = getattr(lungs, name)
        if not limit.low <= value <= limit.high:
            return (
                f"{limit.words}: {name} {value:.2f}, plausible is {limit.low:g} to {limit.high:g}"
            )
    return None


def _row_fill(mask: NDArray[np.bool_]) -> int:
    """Area between the first and the last pixel of every row."""
    rows = mask[mask.any(axis=1)]
    return int((rows.shape[1] - np.argmax(rows[:, ::-1], axis=1) - np.argmax(rows, axis=1)).sum())
