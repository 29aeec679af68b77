"""Zone textures: how rough each lung zone is at four scales. The baseline that a network has to beat.

Small opacities change the fine structure of the lungs and hardly their grey levels. In every zone the picture is split into
bands (differences of Gaussians, normalised so that the border of the lungs leaves no edge), and each band gives its spread (as
a logarithm) and its skewness: bright spots on a dark ground make it positive. A linear model on these sixty numbers is
the least that a network must do better than.

References:
    Dossier section 0.10 (shortcut test: zone texture carries signal where whole-image statistics do not), 4.1 B18.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from konio.errors import RecordError
from konio.tasks import ZONES

Floats = NDArray[np.float64]

#: Standard deviations of the Gaussians in pixels; neighbours make a band.
SCALES: Final = (0.0, 0.8, 1.6, 3.2, 6.4)
#: A zone of fewer pixels is described by zeros.
_FEWEST: Final = 16
#: Added to spreads before the logarithm: a hundredth of a grey level.
_SMALLEST: Final = 4e-5
#: Skewness is cut at this; a single bright pixel must not rule a linear model.
_MOST_SKEWED: Final = 8.0


def texture_names() -> tuple[str, ...]:
    """Name of every feature, such as ``ru.band-1.spread``, in the order of the columns."""
    bands = [f"band-{k}.{what}" for k in range(1, len(SCALES)) for what in ("spread", "skewness")]
    return tuple(f"{zone}.{name}" for zone in ZONES for name in (*bands, "mean", "deviation"))


def texture_features(image: ArrayLike, zones: ArrayLike) -> Floats:
    """Textures of the six zones of one prepared film.

    Args:
        image: ``(S, S)`` uint8 grey levels.
        zones: ``(M, M)`` label image of the same square, 0 outside the lungs, 1..6 in the order of
            `konio.tasks.ZONES`; any M.

    Returns:
        ``(60,)`` finite numbers named by `texture_names`; zeros for a zone that is (nearly) absent.

    Raises:
        RecordError: if these are not two square pictures.
    """
    picture = np.asarray(image, dtype=np.float32) / np.float32(255)
    labels = np.asarray(zones)
    for square in (picture, labels):
        if square.ndim != 2 or square.shape[0] != square.shape[1] or not square.size:
            raise RecordError(
                f"textures need a square film and its zones, got {picture.shape} and {labels.shape}; prepare the film"
            )
    rows = np.arange(len(picture)) * len(labels) // len(picture)
    fine = labels[np.ix_(rows, rows)]  # (S, S)
    bands = _bands(picture, fine > 0)
    return np.concatenate([_zone(picture, bands, fine == place + 1) for place in range(len(ZONES))])


def texture_table(
    images: NDArray[np.uint8], zones: NDArray[np.uint8], positions: Iterable[int]
) -> Floats:
    """Textures of several films of a store.

    Args:
        images: ``(N, S, S)`` uint8, may be mapped from disk.
        zones: ``(N, M, M)`` uint8.
        positions: of the films wanted.

    Returns:
        ``(n, 60)``, one row for each position.
    """
    rows = [texture_features(images[place], zones[place]) for place in positions]
    return np.stack(rows) if rows else np.zeros((0, len(texture_names())))


def _bands(picture: NDArray[np.float32], lungs: NDArray[np.bool_]) -> list[NDArray[np.float32]]:
    """Differences between neighbouring scales inside the lungs, each ``(S, S)``."""
    from scipy.ndimage import gaussian_filter

    inside = lungs.astype(np.float32)
    inner = picture * inside
    smooth = [inner]
    for sigma in SCALES[1:]:
        weight = np.maximum(gaussian_filter(inside, sigma), 1e-3)
        smooth.append(gaussian_filter(inner, sigma) / weight)
    return [fine - coarse for fine, coarse in itertools.pairwise(smooth)]


def _zone(
    picture: NDArray[np.float32], bands: list[NDArray[np.float32]], inside: NDArray[np.bool_]
) -> Floats:
    if inside.sum() < _FEWEST:
        return np.zeros(2 * len(bands) + 2)
    numbers: list[float] = []
    for band in bands:
        values = band[inside].astype(np.float64)
        centred = values - values.mean()
        spread = float(np.sqrt((centred**2).mean()))
        skewness = float((centred**3).mean()) / max(spread, _SMALLEST) ** 3
        numbers += [
            float(np.log(spread + _SMALLEST)),
            float(np.clip(skewness, -_MOST_SKEWED, _MOST_SKEWED)),
        ]
    grey = picture[inside].astype(np.float64)
    return np.array([*numbers, grey.mean(), grey.std()])
