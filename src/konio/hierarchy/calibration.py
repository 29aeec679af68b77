"""Probabilities of the levels that mean what they say: one temperature for each, fitted on held-out films.

A level answers with the mean of its probabilities over the crops of a film. Their logarithms are divided by the level's
temperature, as the logits of a multi-task network are (Guo et al., ICML 2017). That keeps the order of the classes and of
the films, so that no verdict changes: what passes a cut point passes it on the calibrated scale too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from konio import metrics
from konio.hierarchy.populations import diseased

Floats = NDArray[np.float64]

_LEAST: Final = float(np.finfo(np.float64).tiny)


def level_name(number: int) -> str:
    """What the facts of a bundle call a level's temperature.

    Examples:
        >>> level_name(2)
        'level-2'
    """
    return f"level-{number}"


def warmed(probabilities: Floats, temperature: float) -> Floats:
    """Probabilities at a temperature.

    Args:
        probabilities: ``(n, K)`` rows that sum to 1.
        temperature: above 0; above 1 brings a level that is too sure of itself nearer to even.

    Examples:
        >>> warmed(np.array([[0.8, 0.2]]), 2.0).round(3).tolist()
        [[0.667, 0.333]]
    """
    if temperature == 1:
        return probabilities
    return metrics.softmax(np.log(np.maximum(probabilities, _LEAST)), temperature)


def fit_temperatures(said: Sequence[Floats], truth: NDArray[np.int64]) -> dict[str, float]:
    """The temperature of every level, each fitted on the held-out films that it is asked about.

    Args:
        said: each level's probabilities of the held-out films, ``(n, 4)``, or ``(n, 2)`` and ``(n, 3)``.
        truth: ``(n,)`` stages 0..3, none missing.

    Returns:
        Name of the level to its temperature; empty where a level has no film, since half a calibration is none.
    """
    if not len(truth) or (len(said) == 2 and not (truth > 0).any()):
        return {}
    if len(said) == 1:
        asked = [(said[0], truth)]
    else:
        ill = truth > 0
        asked = [(said[0], diseased(truth)), (said[1][ill], truth[ill] - 1)]
    return {
        level_name(number): metrics.fit_temperature(np.log(np.maximum(own, _LEAST)), label)
        for number, (own, label) in enumerate(asked, start=1)
    }


def temperatures_of(kept: Mapping[str, float], levels: int) -> tuple[float, ...]:
    """The temperature of every level from a bundle's facts; 1 where none was fitted."""
    return tuple(kept.get(level_name(number), 1.0) for number in range(1, levels + 1))
