r"""How closely each characteristic goes with malignancy, measured four ways on people's readings (paper C, figure 2).

The paper takes the cosine of the raw ratings, :math:`c(X, Y) = X \cdot Y / (\|X\| \|Y\|)` (equation 1). Grades are all
positive, so every characteristic, even one that never varies, has a cosine near 1. The cosine of the centred ratings
(Pearson's r), Spearman's rank correlation and the mutual information tell them apart.

References:
    Paper C, section 1.2, equation 1, figure 2; dossier 0.9, 4.3 B7, S8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from konio.errors import CohortError
from konio.nodules import NOMINAL, Readings
from konio.significance import Interval, patient_bootstrap

Floats = NDArray[np.float64]

#: Characteristics in the order of the paper's figure; internal structure is shown to make the point and then left out.
CHARACTERISTICS: Final = (
    "subtlety",
    "lobulation",
    "spiculation",
    "sphericity",
    "margin",
    "texture",
    "calcification",
    "internal_structure",
    "diameter",
)

#: Equally filled bins of a continuous quantity for the mutual information.
_BINS: Final = 5


@dataclass(frozen=True, slots=True)
class Relevance:
    """One characteristic against malignancy.

    Args:
        name: of the characteristic.
        cosine: of the raw values, as printed (equation 1).
        centred: of the values minus their means: Pearson's r, with its interval over patients.
        spearman: rank correlation.
        information: mutual information of grades, in bits, less the part that chance gives (Miller and Madow).
        nodules: how many have both.
    """

    name: str
    cosine: float
    centred: Interval
    spearman: float
    information: float
    nodules: int


def values_of(readings: Readings, name: str) -> Floats:
    """``(n,)`` one number for each nodule: diameter in mm, share of readers who see calcification, or the mean grade."""
    if name == "diameter":
        return readings.diameters
    grades = readings.ratings(name)
    if name == "calcification":
        known = ~np.isnan(grades)
        seen = ((grades < 6) & known).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        return np.where(known.any(axis=1), seen, np.nan)
    return readings.mean(name)


def relevance(
    readings: Readings, rng: np.random.Generator, draws: int = 1000
) -> tuple[Relevance, ...]:
    """All characteristics that anybody rated against the mean malignancy.

    The printed cosine of calcification is that of the mean raw code, which has no meaning (codes carry no order); the other
    three take the share of readers who see any.

    Args:
        readings: the nodules.
        rng: for the intervals.
        draws: of the bootstrap over patients.

    Raises:
        CohortError: on fewer than three nodules with a malignancy.
    """
    malignancy = readings.mean("malignancy")
    found = []
    for name in CHARACTERISTICS:
        values = values_of(readings, name)
        raw = readings.mean(name) if name in NOMINAL else values
        usable = np.isfinite(values) & np.isfinite(malignancy)
        if not np.isfinite(values).any():
            continue
        if usable.sum() < 3:
            raise CohortError(
                f"{int(usable.sum())} nodules have both {name} and malignancy; a relevance needs at least 3"
            )
        x, y = values[usable], malignancy[usable]
        patients = [p for p, take in zip(readings.patients, usable, strict=True) if take]
        found.append(
            Relevance(
                name=name,
                cosine=cosine(raw[usable], y),
                centred=_interval(x, y, patients, rng, draws),
                spearman=spearman(x, y),
                information=mutual_information(grades_of(x), grades_of(y)),
                nodules=int(usable.sum()),
            )
        )
    return tuple(found)


def cosine(x: ArrayLike, y: ArrayLike) -> float:
    """Equation 1 of the paper.

    Examples:
        >>> cosine([1, 1, 1], [2, 3, 4]) > 0.96  # a constant, as relevant as any
        True
    """
    a, b = np.asarray(x, np.float64), np.asarray(y, np.float64)
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / size if size else float("nan")


def centred_cosine(x: ArrayLike, y: ArrayLike) -> float:
    """Pearson's r; 0 where one side never varies."""
    a, b = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if not a.std() or not b.std():
        return 0.0
    return cosine(a - a.mean(), b - b.mean())


def spearman(x: ArrayLike, y: ArrayLike) -> float:
    """Pearson's r of the ranks, ties sharing their mean rank."""
    from scipy.stats import rankdata

    return centred_cosine(rankdata(x), rankdata(y))


def grades_of(values: ArrayLike) -> NDArray[np.int64]:
    """Classes for the mutual information: whole numbers where there are few, else equally filled bins."""
    found = np.asarray(values, np.float64)
    rounded = np.rint(found).astype(np.int64)
    if found.max() <= 6:
        return rounded if found.max() > 1 else np.asarray(found > 0.5, np.int64)
    edges = np.quantile(found, np.linspace(0, 1, _BINS + 1)[1:-1])
    return np.asarray(np.digitize(found, edges), np.int64)


def mutual_information(x: ArrayLike, y: ArrayLike) -> float:
    """Bits that one class tells about the other, less (r - 1)(c - 1) / (2 n ln 2) that chance gives; at least 0.

    References:
        Miller, 1955 (bias of plug-in entropies).
    """
    _, a = np.unique(np.asarray(x), return_inverse=True)
    _, b = np.unique(np.asarray(y), return_inverse=True)
    rows, columns = int(a.max()) + 1, int(b.max()) + 1
    joint = np.bincount(a * columns + b, minlength=rows * columns).reshape(rows, columns) / len(a)
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    there = joint > 0
    bits = float((joint[there] * np.log2(joint[there] / apart[there])).sum())
    chance = (rows - 1) * (columns - 1) / (2 * len(a) * np.log(2))
    return max(bits - float(chance), 0.0)


def _interval(
    x: Floats, y: Floats, patients: list[str], rng: np.random.Generator, draws: int
) -> Interval:
    estimate = centred_cosine(x, y)
    if len(set(patients)) < 2 or not x.std():
        return Interval(estimate, estimate, estimate)
    found = patient_bootstrap(
        lambda rows: centred_cosine(x[rows], y[rows]), patients, rng, draws=draws, bca=False
    )
    return found.percentile
