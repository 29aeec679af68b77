"""Patients and training runs drawn anew together: the uncertainty of "this method is better".

A paired t-test over seeds holds the patients still, a patient bootstrap holds the trained networks still. Whoever asks whether the
next hospital's network would be better needs both to vary.

References:
    Owen AB, The pigeonhole bootstrap, Annals of Applied Statistics 2007;1:386-411. Dossier section 5, S2.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from konio.errors import RecordError
from konio.significance.bootstrap import DRAWS
from konio.significance.intervals import Interval, normal_quantile

Floats = NDArray[np.float64]


def crossed_bootstrap(
    first: ArrayLike,
    second: ArrayLike,
    patients: Sequence[str],
    rng: np.random.Generator,
    *,
    draws: int = DRAWS,
    confidence: float = 0.95,
) -> Interval:
    """Percentile interval of the mean of one method minus that of another, over patients and runs.

    Every draw takes patients (with all their films) and, independently for each method, runs, since seed 7 of one
    method has nothing in common with seed 7 of the other.

    Args:
        first: ``(runs, films)`` a number for each run and film, such as 1 where it is right and 0 where not.
        second: ``(runs, films)``; may have another number of runs.
        patients: ``(films,)`` patient of each film.
        rng: source of chance.
        draws: how many samples.
        confidence: level, 0..1.

    Raises:
        RecordError: on tables that do not fit or fewer than two patients.
    """
    one, other = _table(first, patients), _table(second, patients)
    names, owner = np.unique(np.asarray(patients), return_inverse=True)
    if len(names) < 2:
        raise RecordError(f"a bootstrap needs two patients, got {len(names)}; add cases")
    normal_quantile(confidence)
    sizes = np.bincount(owner)
    sums = [_sums(table, owner, len(names)) for table in (one, other)]
    estimate = float(one.mean() - other.mean())
    values = np.empty(draws)
    for draw in range(draws):
        taken = rng.multinomial(
            len(names), np.full(len(names), 1 / len(names))
        )  # times each patient
        films = sizes @ taken
        means = []
        for table in sums:
            runs = rng.multinomial(len(table), np.full(len(table), 1 / len(table)))
            means.append(runs @ (table @ taken) / (runs.sum() * films))
        values[draw] = means[0] - means[1]
    tail = (1 - confidence) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return Interval(estimate, float(low), float(high))


def _table(values: ArrayLike, patients: Sequence[str]) -> Floats:
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] != len(patients) or not np.isfinite(table).all():
        raise RecordError(
            f"a table of runs by films is needed, got shape {table.shape} for {len(patients)} films; "
            "give one finite number for each run and film"
        )
    return table


def _sums(table: Floats, owner: NDArray[np.intp], patients: int) -> Floats:
    """Sum over the films of every patient, ``(runs, patients)``."""
    return np.stack([np.bincount(owner, row, patients) for row in table])
