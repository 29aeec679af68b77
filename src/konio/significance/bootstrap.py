"""Bootstrap over patients: films of one person are drawn together or not at all.

References:
    Efron B, Better bootstrap confidence intervals, JASA 1987;82:171-185 (BCa). Dossier section 5, S10.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from konio.errors import RecordError
from konio.significance.intervals import Interval, normal_quantile

Positions = NDArray[np.int64]
Floats = NDArray[np.float64]
Statistic = Callable[[Positions], float]

#: Draws of the dossier, S10.
DRAWS: Final = 2000


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Result of a patient bootstrap.

    Args:
        percentile: interval from the quantiles of the draws.
        bca: bias-corrected and accelerated interval, or ``None`` where it was not asked for or where no
            draw differs from the estimate.
        error: standard deviation over the draws.
        undefined: draws in which the statistic was not defined (left out).
    """

    percentile: Interval
    bca: Interval | None
    error: float
    undefined: int


def patient_bootstrap(
    statistic: Statistic,
    patients: Sequence[str],
    rng: np.random.Generator,
    *,
    draws: int = DRAWS,
    confidence: float = 0.95,
    strata: Sequence[str] | None = None,
    bca: bool = True,
) -> Bootstrap:
    """Interval of any statistic of films that belong to patients.

    Args:
        statistic: positions of films (with repeats) to a number; ``nan`` where it is not defined.
        patients: ``(N,)`` patient of each film.
        rng: source of chance.
        draws: how many samples.
        confidence: level, 0..1.
        strata: ``(N,)`` class of each film; every draw then keeps the number of patients of each class (a
            patient belongs to the class of the first film).
        bca: also compute the BCa interval, which costs one evaluation more per patient.

    Raises:
        RecordError: on fewer than two patients or a statistic that is undefined on the data themselves.
    """
    films = _films(patients)
    groups = _groups(films, strata)
    estimate = float(statistic(np.arange(len(patients))))
    if len(films) < 2 or not np.isfinite(estimate):
        raise RecordError(
            f"a bootstrap needs two patients and a defined statistic, got {len(films)} patients and "
            f"{estimate}; add cases"
        )
    normal_quantile(confidence)
    drawn = np.array([statistic(_draw(films, groups, rng)) for _ in range(draws)], dtype=np.float64)
    values = drawn[np.isfinite(drawn)]
    if not len(values):
        raise RecordError(f"the statistic is undefined in all {draws} draws; add cases")
    tail = (1 - confidence) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return Bootstrap(
        percentile=Interval(estimate, float(low), float(high)),
        bca=_bca(statistic, films, values, estimate, tail) if bca else None,
        error=float(values.std(ddof=1)) if len(values) > 1 else 0.0,
        undefined=draws - len(values),
    )


def _films(patients: Sequence[str]) -> list[Positions]:
    _, inverse = np.unique(np.asarray(patients), return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(inverse[order])) + 1)


def _groups(films: list[Positions], strata: Sequence[str] | None) -> list[Positions]:
    if strata is None:
        return [np.arange(len(films))]
    names = np.array([strata[int(own[0])] for own in films])
    return [np.flatnonzero(names == name) for name in np.unique(names)]


def _draw(films: list[Positions], groups: list[Positions], rng: np.random.Generator) -> Positions:
    chosen = np.concatenate([rng.choice(group, len(group)) for group in groups])
    return np.concatenate([films[i] for i in chosen])


def _bca(
    statistic: Statistic, films: list[Positions], values: Floats, estimate: float, tail: float
) -> Interval | None:
    """Efron 1987, equations 2.3 and 6.6; ties with the estimate count half."""
    normal = NormalDist()
    below = float(((values < estimate).mean() + (values <= estimate).mean()) / 2)
    if not 0 < below < 1 or values.min() == values.max():
        return None
    bias = normal.inv_cdf(below)
    left_out = np.array(
        [statistic(np.concatenate(films[:i] + films[i + 1 :])) for i in range(len(films))]
    )
    left_out = left_out[np.isfinite(left_out)]
    pull = left_out.mean() - left_out
    spread = float((pull**2).sum()) ** 1.5
    acceleration = float((pull**3).sum()) / (6 * spread) if spread else 0.0
    bounds = []
    for part in (tail, 1 - tail):
        z = bias + normal.inv_cdf(part)
        bounds.append(normal.cdf(bias + z / (1 - acceleration * z)))
    low, high = np.quantile(values, bounds)
    return Interval(estimate, float(low), float(high))
