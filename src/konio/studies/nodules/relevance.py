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
from konio.significance import Interval

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
#: Spread below which a side does not vary but for rounding.
_ROUNDING: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Relevance:
    """One characteristic against malignancy.

    Args:
        name: of the characteristic.
        cosine: of the raw values, as printed (equation 1).
        centred: of the values minus their means: Pearson's r.
        spearman: rank correlation.
        information: mutual information of grades, in bits, less the part that chance gives (Miller and Madow).
        nodules: how many have both.

    Every measure has a 95 % percentile interval from a bootstrap over patients. Nodules that are drawn twice seem to tell more,
    so that of the information the draws' mean excess is taken off.
    """

    name: str
    cosine: Interval
    centred: Interval
    spearman: Interval
    information: Interval
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
        people = [p for p, take in zip(readings.patients, usable, strict=True) if take]
        taken = np.concatenate([np.ones((1, len(x))), _draws(people, rng, draws)])
        grades = grades_of(x), grades_of(y)
        found.append(
            Relevance(
                name=name,
                cosine=_interval(_cosines(taken, raw[usable], y)),
                centred=_interval(_centred(taken, x, y)),
                spearman=_interval(_spearmans(taken, x, y)),
                information=_shifted(_informations(taken, *grades)),
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
    return float(_cosines(*_once(x, y))[0])


def centred_cosine(x: ArrayLike, y: ArrayLike) -> float:
    """Pearson's r; 0 where one side never varies."""
    return float(_centred(*_once(x, y))[0])


def spearman(x: ArrayLike, y: ArrayLike) -> float:
    """Pearson's r of the ranks, ties sharing their mean rank."""
    return float(_spearmans(*_once(x, y))[0])


def mutual_information(x: ArrayLike, y: ArrayLike) -> float:
    """Bits that one class tells about the other, less (r - 1)(c - 1) / (2 n ln 2) that chance gives; at least 0.

    References:
        Miller, 1955 (bias of plug-in entropies).
    """
    return max(float(_informations(*_once(x, y))[0]), 0.0)


def grades_of(values: ArrayLike) -> NDArray[np.int64]:
    """Classes for the mutual information: whole numbers where there are few, else equally filled bins."""
    found = np.asarray(values, np.float64)
    rounded = np.rint(found).astype(np.int64)
    if found.max() <= 6:
        return rounded if found.max() > 1 else np.asarray(found > 0.5, np.int64)
    edges = np.quantile(found, np.linspace(0, 1, _BINS + 1)[1:-1])
    return np.asarray(np.digitize(found, edges), np.int64)


def _once(x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats, Floats]:
    a, b = np.asarray(x, np.float64), np.asarray(y, np.float64)
    return np.ones((1, len(a))), a, b


def _draws(patients: list[str], rng: np.random.Generator, draws: int) -> Floats:
    """``(draws, n)``: how often each nodule is taken where patients are drawn anew; nothing of a single patient."""
    _, owner = np.unique(np.asarray(patients), return_inverse=True)
    people = int(owner.max()) + 1
    times = rng.multinomial(people, np.full(people, 1 / people), draws if people > 1 else 0)
    return np.asarray(times[:, owner], np.float64)


# Every measure below takes (draws, n) how often each nodule is taken, and gives (draws,).


def _cosines(taken: Floats, x: Floats, y: Floats) -> Floats:
    size = np.sqrt((taken * x**2).sum(axis=1) * (taken * y**2).sum(axis=1))
    product = (taken * (x * y)).sum(axis=1)
    return np.where(size > 0, product / np.where(size > 0, size, 1), np.nan)


def _centred(taken: Floats, x: Floats, y: Floats) -> Floats:
    a, b = _from_mean(taken, x), _from_mean(taken, y)
    size = np.sqrt((taken * a**2).sum(axis=1) * (taken * b**2).sum(axis=1))
    varies = size > _ROUNDING * taken.sum(axis=1)
    return np.where(varies, (taken * a * b).sum(axis=1) / np.where(varies, size, 1), 0.0)


def _from_mean(taken: Floats, values: Floats) -> Floats:
    away = values - values[..., :1]  # a constant becomes 0 exactly
    return np.asarray(away - ((taken * away).sum(axis=1) / taken.sum(axis=1))[:, None])


def _spearmans(taken: Floats, x: Floats, y: Floats) -> Floats:
    return _centred(taken, _ranks(taken, x), _ranks(taken, y))


def _ranks(taken: Floats, values: Floats) -> Floats:
    """``(draws, n)`` mean ranks of values that may be taken several times."""
    _, place = np.unique(values, return_inverse=True)
    counts = taken @ np.eye(int(place.max()) + 1)[place]
    ranks = counts.cumsum(axis=1) - (counts - 1) / 2
    return np.asarray(ranks[:, place])


def _informations(taken: Floats, x: ArrayLike, y: ArrayLike) -> Floats:
    _, a = np.unique(np.asarray(x), return_inverse=True)
    _, b = np.unique(np.asarray(y), return_inverse=True)
    rows, columns = int(a.max()) + 1, int(b.max()) + 1
    counts = taken @ np.eye(rows * columns)[a * columns + b]
    total = counts.sum(axis=1)
    joint = (counts / total[:, None]).reshape(-1, rows, columns)
    one, other = joint.sum(axis=2), joint.sum(axis=1)
    bits = _entropy(one) + _entropy(other) - _entropy(joint.reshape(len(joint), -1))
    seen = ((one > 0).sum(axis=1) - 1) * ((other > 0).sum(axis=1) - 1)
    return np.asarray(bits - seen / (2 * total * np.log(2)))


def _entropy(shares: Floats) -> Floats:
    there = np.where(shares > 0, shares, 1.0)
    return np.asarray(-(shares * np.log2(there)).sum(axis=1))


def _interval(values: Floats) -> Interval:
    """The first value between the percentiles of the others."""
    estimate, drawn = float(values[0]), values[1:][np.isfinite(values[1:])]
    if not len(drawn):
        return Interval(estimate, estimate, estimate)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Interval(estimate, float(low), float(high))


def _shifted(values: Floats) -> Interval:
    """The same, less what the draws lie above the estimate on average; at least 0."""
    drawn = values[1:]
    bias = float(drawn.mean() - values[0]) if len(drawn) else 0.0
    found = _interval(np.concatenate([values[:1], drawn - bias]))
    return Interval(*(max(bound, 0.0) for bound in found))
