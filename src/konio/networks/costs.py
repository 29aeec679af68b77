r"""What an error costs: a matrix of costs per pair of classes, or a penalty per class.

A cost matrix says in row y and column k what it costs to call a film of class y a k; being right costs nothing. The
thesis derives the matrix in theory and weighs by a vector in practice (dossier 4.2 B8); both are here.

References:
    Paper B, section 2.2.2 and equations 2.5 to 2.7; dossier 4.2 T11, B7 to B9.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from konio.errors import RecordError

#: A recall or a rate of confusion below this counts as this, so that no penalty is endless.
LEAST_RATE: Final = 0.05


@dataclass(frozen=True, slots=True)
class CostMatrix:
    """Costs C(y, k) of calling class y a k (equation 2.5).

    Args:
        values: K rows of K numbers.

    Raises:
        RecordError: unless it is square with K of 2 or more, finite, not negative, zero on its diagonal and above
            zero somewhere.

    Examples:
        >>> CostMatrix(((0, 1), (5, 0))).cheapest(np.array([[0.7, 0.3]])).tolist()
        [1]
    """

    values: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        rows = tuple(tuple(float(value) for value in row) for row in self.values)
        flat = [value for row in rows for value in row]
        size = len(rows)
        rules = (
            (
                size >= 2 and all(len(row) == size for row in rows),
                f"it needs as many columns as rows and two or more, got rows of {[len(r) for r in rows]}",
            ),
            (all(map(math.isfinite, flat)), "a cost is no finite number"),
            (min(flat, default=0) >= 0, f"costs must not be negative, got {min(flat, default=0)}"),
            (
                all(row[place] == 0 for place, row in enumerate(rows) if place < len(row)),
                "being right must cost nothing, but its diagonal is not zero",
            ),
            (max(flat, default=0) > 0, "every cost is zero, so that no answer is better than another"),
        )  # fmt: skip
        for holds, why in rules:
            if not holds:
                raise RecordError(f"this cost matrix cannot be used: {why}; correct it")
        object.__setattr__(self, "values", rows)

    def __len__(self) -> int:
        """Number of classes K."""
        return len(self.values)

    def array(self) -> NDArray[np.float64]:
        """``(K, K)``."""
        return np.array(self.values)

    def scaled(self) -> NDArray[np.float64]:
        """``(K, K)``, the mean cost of an error being 1, so that learning rates keep their meaning."""
        costs = self.array()
        scaled: NDArray[np.float64] = costs * (len(self) * (len(self) - 1) / costs.sum())
        return scaled

    def expected(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        r"""Expected cost of every answer, :math:`\sum_y p_y C(y, k)`: ``(n, K)`` to ``(n, K)``."""
        return np.asarray(probabilities @ self.array())

    def cheapest(self, probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
        """The answer with the least expected cost, ``(n,)`` (equation 2.7); the first of equals."""
        return np.asarray(self.expected(probabilities).argmin(axis=1))

    @classmethod
    def of_confusion(cls, matrix: Sequence[Sequence[int]]) -> CostMatrix:
        """Costs from the errors of a first training: the more often y was called k, the dearer it becomes.

        Args:
            matrix: K rows of counts, truth by prediction.

        Raises:
            RecordError: if a class has no cases or the matrix is not square.
        """
        rates = _rates(matrix)
        costs = np.maximum(rates, LEAST_RATE)
        np.fill_diagonal(costs, 0)
        return cls(tuple(map(tuple, costs.tolist())))


def normalised(penalties: Sequence[float]) -> tuple[float, ...]:
    """Penalties with mean 1.

    Raises:
        RecordError: unless all are finite and above zero and there are two or more.

    Examples:
        >>> [round(p, 3) for p in normalised([5, 8, 9])]
        [0.682, 1.091, 1.227]
    """
    values = [float(value) for value in penalties]
    if len(values) < 2 or not all(math.isfinite(v) and v > 0 for v in values):
        raise RecordError(
            f"class penalties must be two or more finite numbers above zero, got {list(penalties)}; correct them"
        )
    mean = math.fsum(values) / len(values)
    return tuple(value / mean for value in values)


def penalties_from_recalls(recalls: Sequence[float]) -> tuple[float, ...]:
    """The inverse of each class's recall, with mean 1.

    The thesis' recalls 99 : 88 : 58 give 5 : 5.6 : 8.5 and not its 5 : 8 : 9 (dossier 4.2 B7).

    Args:
        recalls: of a first training, 0..1; below `LEAST_RATE` they count as that.

    Raises:
        RecordError: on a recall outside 0..1 or of a class without cases (NaN).

    Examples:
        >>> [round(5 * p / penalties_from_recalls([.99, .88, .58])[0], 1) for p in penalties_from_recalls([.99, .88, .58])]
        [5.0, 5.6, 8.5]
    """
    if not all(0 <= recall <= 1 for recall in recalls):
        raise RecordError(
            f"recalls must lie in 0..1, got {list(recalls)}; a class without cases has none, so leave it out"
        )
    return normalised([1 / max(recall, LEAST_RATE) for recall in recalls])


def penalties_from_confusion(matrix: Sequence[Sequence[int]]) -> tuple[float, ...]:
    """`penalties_from_recalls` of the recalls in a confusion matrix of a first training.

    Raises:
        RecordError: if a class has no cases or the matrix is not square.
    """
    return penalties_from_recalls(np.diagonal(_rates(matrix)).tolist())


def _rates(matrix: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    """Each row of counts as shares of its sum."""
    lengths = [len(row) for row in matrix]
    if len(matrix) < 2 or lengths != [len(matrix)] * len(matrix):
        raise RecordError(
            f"a confusion matrix has as many columns as rows and two or more, got rows of {lengths}; correct it"
        )
    counts = np.array(matrix, np.float64)
    support = counts.sum(axis=1, keepdims=True)
    if not np.isfinite(counts).all() or counts.min() < 0 or not (support > 0).all():
        raise RecordError(
            "a confusion matrix counts cases of every class, and here a class has none or a count is negative; "
            "measure on more cases"
        )
    rates: NDArray[np.float64] = counts / support
    return rates
