"""Whether probabilities mean what they say, and the one number that corrects them.

References:
    Guo C et al., On calibration of modern neural networks, ICML 2017. Brier GW, Monthly Weather Review
    1950;78:1-3. Nguyen K, O'Connor B, EMNLP 2015 (bins of equal mass). Dossier section 5, S11.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from konio.errors import RecordError

Floats = NDArray[np.float64]

#: Bins of the expected calibration error in Guo et al.
BINS: Final = 15
#: Temperatures are looked for between the inverse of this and this.
HOTTEST: Final = 20.0


def _checked(table: ArrayLike, truth: ArrayLike) -> tuple[Floats, NDArray[np.int64]]:
    values, labels = np.asarray(table, dtype=np.float64), np.asarray(truth, dtype=np.int64)
    if values.ndim != 2 or labels.shape != values.shape[:1] or not len(labels):
        raise RecordError(
            f"a table of shape {values.shape} does not fit {labels.shape} labels; give one row for each case"
        )
    if labels.min() < 0 or labels.max() >= values.shape[1]:
        raise RecordError(
            f"class positions must lie in 0..{values.shape[1] - 1}, got {labels.min()}..{labels.max()}; "
            "leave out cases without a label first"
        )
    return values, labels


def softmax(logits: ArrayLike, temperature: float = 1.0) -> Floats:
    """Probabilities ``(N, classes)`` of logits ``(N, classes)`` divided by a temperature."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    raised = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """A reliability diagram; each ``(bins,)``, empty bins left out.

    Args:
        confidence: mean probability of the predicted class.
        accuracy: part of the bin called right.
        count: number of cases.
    """

    confidence: Floats
    accuracy: Floats
    count: NDArray[np.int64]


def reliability(
    probabilities: ArrayLike, truth: ArrayLike, bins: int = BINS, *, adaptive: bool = False
) -> Reliability:
    """Confidence against accuracy of the predicted class.

    Args:
        probabilities: ``(N, classes)``.
        truth: ``(N,)`` class positions.
        bins: how many; of equal width on (0, 1], closed above.
        adaptive: bins that hold equally many cases instead.

    Raises:
        RecordError: on shapes or labels that do not fit.
    """
    table, labels = _checked(probabilities, truth)
    confidence, right = table.max(axis=1), table.argmax(axis=1) == labels
    if adaptive:
        place = np.empty(len(labels), dtype=np.int64)
        place[np.argsort(confidence, kind="stable")] = np.arange(len(labels)) * bins // len(labels)
    else:
        place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    filled = count > 0
    return Reliability(
        confidence=np.bincount(place, confidence, bins)[filled] / count[filled],
        accuracy=np.bincount(place, right, bins)[filled] / count[filled],
        count=count[filled],
    )


def expected_calibration_error(
    probabilities: ArrayLike, truth: ArrayLike, bins: int = BINS, *, adaptive: bool = False
) -> float:
    """Mean gap between confidence and accuracy, weighted by the cases of each bin, 0..1.

    Args:
        probabilities: ``(N, classes)``.
        truth: ``(N,)`` class positions.
        bins: how many.
        adaptive: bins of equal mass instead of equal width.

    References:
        Guo et al. 2017, equation 3.
    """
    diagram = reliability(probabilities, truth, bins, adaptive=adaptive)
    gaps = np.abs(diagram.accuracy - diagram.confidence)
    return float((diagram.count * gaps).sum() / diagram.count.sum())


def brier_loss(probabilities: ArrayLike, truth: ArrayLike) -> float:
    """Mean squared distance between probabilities and the truth, summed over the classes, 0..2."""
    table, labels = _checked(probabilities, truth)
    target = np.eye(table.shape[1])[labels]
    return float(((table - target) ** 2).sum(axis=1).mean())


def log_loss(logits: ArrayLike, truth: ArrayLike, temperature: float = 1.0) -> float:
    """Mean negative logarithm of the probability given to the truth, in nats."""
    table, labels = _checked(logits, truth)
    scaled = table / temperature
    top = scaled.max(axis=1)
    total = top + np.log(np.exp(scaled - top[:, None]).sum(axis=1))
    return float((total - scaled[np.arange(len(labels)), labels]).mean())


def fit_temperature(logits: ArrayLike, truth: ArrayLike) -> float:
    """The temperature by which logits have to be divided to be calibrated.

    Minimises `log_loss` on cases that were not trained on. The predicted class never changes. The result
    stays within 1/20..20, where perfectly parted cases would ask for ever smaller temperatures.

    Args:
        logits: ``(N, classes)``.
        truth: ``(N,)`` class positions.

    Returns:
        Above 1 where the network is too sure of itself, below 1 where it is too timid.

    References:
        Guo et al. 2017, section 4.2.
    """
    from scipy.optimize import minimize_scalar

    table, labels = _checked(logits, truth)
    bound = np.log(HOTTEST)
    found = minimize_scalar(
        lambda log_t: log_loss(table, labels, float(np.exp(log_t))),
        bounds=(-bound, bound),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return float(np.exp(found.x))
