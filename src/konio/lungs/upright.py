"""Does the film stand on its feet? The drawing of a chest, held against the film and the film turned over, and what lies below the lungs.

Below the lungs lies the abdomen, which is bright; above them lie neck and air. A drawing of a chest (`konio.io.polarity`)
fits an upright film better than one that is turned over. Both facts together tell the two apart on all films of
``benchmarks/orientation.py``. A film that is mirrored from left to right cannot be told: the heart's side is not measured.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from konio.io.polarity import LEAST_SIDE, SURE_LIKENESS, chest_likeness

#: A film below this stands upside down. Of 378 films the lowest upright one has -0.02, the highest one turned over -0.07.
LEAST_UPRIGHT: Final = -0.05
#: What the brightness below the lungs counts beside the drawing.
BRIGHTNESS_WEIGHT: Final = 0.25


class Standing(NamedTuple):
    """How a film stands.

    Attributes:
        upright: likeness of the film to the drawing of a chest, -1..1.
        turned: the same of the film turned over.
        abdomen: brightness below the lungs less that above them, -1..1; 0 without lungs.
    """

    upright: float
    turned: float
    abdomen: float

    @property
    def score(self) -> float:
        """Positive for a film that stands upright; 0 where the film turned over is surely no chest."""
        if self.turned < SURE_LIKENESS:
            return 0.0
        return self.upright - self.turned + BRIGHTNESS_WEIGHT * self.abdomen

    @property
    def upside_down(self) -> bool:
        """Whether the film stands on its head."""
        return self.score < LEAST_UPRIGHT


def standing(film: NDArray[np.float32], lungs: NDArray[np.bool_]) -> Standing:
    """Measure how a film stands.

    Args:
        film: ``(h, w)`` brightness 0..1, bright bone.
        lungs: ``(2, h, w)`` right and left lung; either may be empty.
    """
    if min(film.shape) < LEAST_SIDE:
        return Standing(0.0, 0.0, 0.0)
    turned = np.ascontiguousarray(film[::-1])
    return Standing(chest_likeness(film), chest_likeness(turned), _abdomen(film, lungs))


def _abdomen(film: NDArray[np.float32], lungs: NDArray[np.bool_]) -> float:
    """Brightness of a tenth of a lung's height below the middle third of each lung, less that above it."""
    below, above = [], []
    for lung in lungs:
        columns, rows = (np.flatnonzero(lung.any(axis=axis)) for axis in (0, 1))
        if len(columns) < 3:
            continue
        strip = max(2, (rows[-1] - rows[0] + 1) // 10)
        for column in columns[len(columns) // 3 : 2 * len(columns) // 3 + 1]:
            inside = np.flatnonzero(lung[:, column])
            first, last = inside[0], inside[-1]
            above.append(film[max(0, first - strip) : first, column])
            below.append(film[last + 1 : last + 1 + strip, column])
    means = [np.array([part.mean() for part in parts if part.size]) for parts in (below, above)]
    return float(means[0].mean() - means[1].mean()) if all(part.size for part in means) else 0.0
