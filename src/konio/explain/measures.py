"""How good one heat map is, against what is known to the pixel: scores of one map and one mask.

All of them take maps on any grid with the mask on the same one. Where a map says nothing (zero everywhere) or there is
nothing to find (an empty mask), a score is ``nan`` and its case is left out of a mean. Where cells tie, a score is its
expectation over all orders of the tied cells: a constant map scores exactly what chance does.

References:
    Zhang et al., Top-down neural attention by excitation backprop, ECCV 2016 (pointing game). Wang et al., Score-CAM, CVPR
    workshops 2020 (energy-based pointing game). Dossier section 5, S12.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from konio.errors import UsageError

Heat = NDArray[np.floating]
Mask = NDArray[np.bool_]

#: Parts of the picture, in percent, that are compared with the lesions.
TOP_PERCENT: Final = (5.0, 10.0, 20.0)


def pointing_score(heat: Heat, mask: Mask, tolerance: int = 0) -> float:
    """Whether the warmest pixel lies on the mask: 1 or 0, or the share that does of equally warm ones.

    Args:
        heat: ``(h, w)``, finite and not negative.
        mask: ``(h, w)`` bool.
        tolerance: pixels by which the mask is widened in every direction; the paper has 15 on pictures of about 500.
    """
    if not _says_something(heat, mask) or not mask.any():
        return float("nan")
    if tolerance:
        from scipy import ndimage

        mask = ndimage.distance_transform_edt(~mask) <= tolerance
    return float(mask[heat == heat.max()].mean())


def energy_share(heat: Heat, mask: Mask) -> float:
    """Which part of a map's whole energy lies inside a mask, 0..1."""
    if not _says_something(heat, mask):
        return float("nan")
    return float(heat[mask].sum(dtype=np.float64) / heat.sum(dtype=np.float64))


def top_iou(heat: Heat, mask: Mask, percent: float) -> float:
    """Intersection over union of a mask with the warmest pixels, 0..1.

    Args:
        heat: ``(h, w)``, finite and not negative.
        mask: ``(h, w)`` bool.
        percent: how many pixels count as warm, 0 < percent <= 100.
    """
    if not 0 < percent <= 100:
        raise UsageError(
            f"a part of the picture is 0 < percent <= 100, got {percent}; give e.g. 10"
        )
    if not _says_something(heat, mask) or not mask.any():
        return float("nan")
    count = max(1, round(heat.size * percent / 100))
    edge = np.partition(heat.ravel(), heat.size - count)[heat.size - count]
    above, tied = heat > edge, heat == edge
    common = float(mask[above].sum()) + (count - above.sum()) * float(mask[tied].mean())
    return float(common / (count + float(mask.sum()) - common))


def _says_something(heat: Heat, mask: Mask) -> bool:
    if heat.shape != mask.shape or heat.ndim != 2 or mask.dtype != np.bool_:
        raise UsageError(
            f"heat {heat.shape} and a bool mask {mask.shape} must lie on one grid; resize one of them"
        )
    if not np.isfinite(heat).all() or heat.min() < 0:
        raise UsageError("heat must be finite and not negative; take it from konio.explain")
    return bool(heat.max() > 0)
