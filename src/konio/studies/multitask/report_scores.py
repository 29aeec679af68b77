"""Scores of runs by name, and the same score over folds and seeds in an order that pairs two methods."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from konio import metrics
from konio.report.words import Words
from konio.significance import (
    Interval,
    fold_interval,
    nadeau_bengio_interval,
)
from konio.studies.multitask.report_pooled import Pooled
from konio.studies.multitask.report_runs import Floats, Question, Run

#: The scores of the paper's tables; precision, sensitivity and F1 also class by class.
SCORES: Final[Mapping[str, Words]] = {
    "accuracy": Words("accuracy", "准确率"),
    "precision": Words("precision", "精确度"),
    "sensitivity": Words("sensitivity", "灵敏度"),
    "f1": Words("F1", "F1分数"),
}
MACRO: Final = Words("macro mean", "宏平均")


def scores(run: Run | Pooled, question: Question) -> dict[tuple[str, str], float]:
    """Every score of a run: (score, class or ``mean``) to 0..1.

    References:
        Paper A, section 1.5; dossier section 5, S1 (macro F1 is the mean of the classes' F1).
    """
    matrix = metrics.confusion(run.truth, run.predicted, len(question.kept))
    by_class = metrics.class_scores(matrix)
    tables = {
        "precision": (by_class.precision, metrics.macro_precision(matrix)),
        "sensitivity": (by_class.recall, metrics.macro_recall(matrix)),
        "f1": (by_class.f1, metrics.macro_f1(matrix)),
    }
    found = {("accuracy", "mean"): metrics.accuracy(matrix)}
    for name, (values, mean) in tables.items():
        found |= {(name, one): float(v) for one, v in zip(question.classes, values, strict=True)}
        found[name, "mean"] = mean
    return found


def by_unit(runs: Sequence[Run], question: Question, key: tuple[str, str]) -> dict[int, float]:
    """One score for each fold (mean over its seeds) or, of final runs, for each seed.

    Args:
        runs: of one method and role.
        question: what they answered.
        key: score and class.
    """
    ordered = sorted(runs, key=_unit)
    return {
        unit: float(np.mean([scores(run, question)[key] for run in group]))
        for unit, group in itertools.groupby(ordered, key=_unit)
    }


def paired(
    first: Sequence[Run], second: Sequence[Run], question: Question, key: tuple[str, str]
) -> tuple[Floats, Floats]:
    """The scores of two methods on the folds or seeds that both have, in one order, without undefined ones."""
    one, other = by_unit(first, question, key), by_unit(second, question, key)
    units = [
        unit
        for unit in sorted(set(one) & set(other))
        if np.isfinite([one[unit], other[unit]]).all()
    ]
    return np.array([one[unit] for unit in units]), np.array([other[unit] for unit in units])


def by_fold(runs: Sequence[Run], value: Callable[[Run], float]) -> list[float]:
    """A number of every fold, its repeats averaged first: they are judged on the same films and count once.

    Args:
        runs: of the cross-validation.
        value: of one run; a fold with an undefined one is left out.
    """
    found: dict[int, list[float]] = {}
    for run in sorted(runs, key=_unit):
        found.setdefault(_unit(run), []).append(value(run))
    return [float(np.mean(own)) for own in found.values() if np.isfinite(own).all()]


def over_folds(values: Sequence[float], folds: int) -> tuple[Interval | None, Interval | None]:
    """Mean of shares over folds with the interval that papers print and with Nadeau and Bengio's, both cut at 0 and 1.

    Args:
        values: one for each fold measured so far.
        folds: of the design; the test side is 1 / (folds - 1) of the training side.

    Returns:
        ``None`` below two folds.
    """
    known = [value for value in values if np.isfinite(value)]
    if len(known) < 2:
        return None, None
    return _cut(fold_interval(known)), _cut(nadeau_bengio_interval(known, 1 / (folds - 1)))


def _cut(share: Interval) -> Interval:
    return Interval(share.estimate, max(0.0, share.low), min(1.0, share.high))


def _unit(run: Run) -> int:
    unit = run.fold if run.role == "cv" else run.seed
    return -1 if unit is None else unit
