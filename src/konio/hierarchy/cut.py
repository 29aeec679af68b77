"""The cut point: from which probability of disease a film is staged, swept on validation data only.

References:
    Paper B, algorithm 2.1 and table 2.6; dossier 4.2 T9, T10, B6, B30 and section 5, S6.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from konio.errors import BundleError, CohortError, RecordError

#: The thesis' nineteen: 0.05, 0.10, ..., 0.95.
CUT_POINTS: Final = tuple(number / 20 for number in range(1, 20))

#: Macro-recalls closer than this are equal.
_SAME: Final = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """What algorithm 2.1 calls some films.

    Args:
        stage: ``(n,)`` 0..3.
        level: ``(n,)`` 1 or 2, which level decided.
        probabilities: ``(n, 4)``: 1 - s, then s times level 2's; rows sum to 1. Their largest need not be the
            verdict, since the cut point need not be 0.5.
    """

    stage: NDArray[np.int64]
    level: NDArray[np.int64]
    probabilities: NDArray[np.float64]

    @property
    def passed(self) -> NDArray[np.bool_]:
        """``(n,)`` whether level 2 decided."""
        return np.asarray(self.level == 2)


def decide(
    disease: NDArray[np.float64], staging: NDArray[np.float64], cut_point: float
) -> Verdicts:
    """Algorithm 2.1: a film with a probability of disease of the cut point or more is staged, any other is a 0.

    Args:
        disease: ``(n,)`` probability s of disease from level 1.
        staging: ``(n, 3)`` probabilities of I, II, III from level 2.
        cut_point: t, 0..1.

    Raises:
        RecordError: on shapes that do not fit or a cut point outside 0..1.

    Examples:
        >>> decide(np.array([0.45]), np.array([[0.9, 0.1, 0.0]]), cut_point=0.4).stage.tolist()
        [1]
    """
    if not 0 <= cut_point <= 1:
        raise RecordError(f"a cut point lies in 0..1, got {cut_point}; use one of {CUT_POINTS}")
    if disease.ndim != 1 or staging.shape != (len(disease), 3):
        raise RecordError(
            f"level 1 gives one probability and level 2 three for each film, got {disease.shape} and {staging.shape}"
        )
    passed = disease >= cut_point
    stage = np.where(passed, 1 + staging.argmax(axis=1), 0)
    return Verdicts(stage, np.where(passed, 2, 1), joined(disease, staging))


def joined(disease: NDArray[np.float64], staging: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities of stage 0, I, II, III from those of the two levels, ``(n, 4)``; arguments as for `decide`."""
    return np.column_stack((1 - disease, disease[:, None] * staging))


@dataclass(frozen=True, slots=True)
class CutCurve:
    """What every cut point gives.

    Args:
        points: the cut points, ascending.
        macro_recall: at each; the mean recall of all four classes.
        recalls: at each, of stage 0, I, II, III. Where nobody passes, 0 for I to III.
        coverage: at each, part of the films that pass.
        sensitivity: at each, part of the diseased films that pass.
    """

    points: tuple[float, ...]
    macro_recall: tuple[float, ...]
    recalls: tuple[tuple[float, ...], ...]
    coverage: tuple[float, ...]
    sensitivity: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        plain = dataclasses.asdict(self)
        return {**plain, "recalls": [list(row) for row in self.recalls]}


def sweep(
    disease: NDArray[np.float64],
    staging: NDArray[np.float64],
    truth: NDArray[np.int64],
    points: tuple[float, ...] = CUT_POINTS,
) -> CutCurve:
    """`decide` at every cut point, scored.

    Args:
        disease: ``(n,)`` from level 1, of validation films.
        staging: ``(n, 3)`` from level 2, of the same films.
        truth: ``(n,)`` stages 0..3, none missing.
        points: ascending.

    Raises:
        CohortError: if a class has no film: its recall would be unknown at every cut point.
    """
    missing = [str(k) for k in range(4) if not (truth == k).any()]
    if missing:
        raise CohortError(
            f"the cut point cannot be chosen: the validation part has no film of class {', '.join(missing)}; "
            "hold out more patients or fix the cut point in the recipe"
        )
    recalls, coverage, sensitivity = [], [], []
    for point in points:
        verdicts = decide(disease, staging, point)
        hit = verdicts.stage == truth
        recalls.append(tuple(float(hit[truth == k].mean()) for k in range(4)))
        coverage.append(float(verdicts.passed.mean()))
        sensitivity.append(float(verdicts.passed[truth > 0].mean()))
    macro = tuple(sum(row) / 4 for row in recalls)
    return CutCurve(tuple(points), macro, tuple(recalls), tuple(coverage), tuple(sensitivity))


def choose(curve: CutCurve) -> float:
    """The cut point with the largest macro-recall; among equals the most sensitive one, that is the lowest.

    Examples:
        >>> choose(CutCurve((0.3, 0.4, 0.5), (0.8, 0.9, 0.9), (), (), ()))
        0.4
    """
    best = max(curve.macro_recall)
    return next(
        point
        for point, value in zip(curve.points, curve.macro_recall, strict=True)
        if best - value <= _SAME
    )


@dataclass(frozen=True, slots=True)
class CutPoint:
    """A cut point and the weights it was chosen for.

    Args:
        value: t, 0..1.
        weights_sha256: of the weights whose probabilities were swept; another network's probabilities mean
            something else at the same t.
        chosen_on: what it was swept on, as plain data; empty where a recipe fixed it.
        curve: the whole sweep; ``None`` where a recipe fixed it.
    """

    value: float
    weights_sha256: str
    chosen_on: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    curve: CutCurve | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "value": self.value,
            "weights_sha256": self.weights_sha256,
            "chosen_on": dict(self.chosen_on),
            "curve": None if self.curve is None else self.curve.to_json(),
        }

    @staticmethod
    def for_weights(plain: Mapping[str, Any] | None, weights_sha256: str, name: str) -> float:
        """The value that `to_json` wrote, if it belongs to these weights.

        Args:
            plain: from a bundle's facts; ``None`` where it holds none.
            weights_sha256: of the weights that are to answer.
            name: the model's, for the error.

        Raises:
            BundleError: if there is no cut point, it is no number in 0..1, or it was chosen for other weights.
        """
        value = (plain or {}).get("value")
        if plain is None or not isinstance(value, float | int) or not 0 <= value <= 1:
            raise BundleError(
                f"bundle {name!r} has two levels and no cut point between them; train it again"
            )
        if plain.get("weights_sha256") != weights_sha256:
            raise BundleError(
                f"the cut point {value} of {name!r} was chosen for the weights "
                f"{str(plain.get('weights_sha256'))[:12]}... and these are {weights_sha256[:12]}...; sweep it anew on "
                "validation films, konio train does"
            )
        return float(value)
