"""Parting nodules patient by patient, and what a table of readings says about itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from konio.cohort import Cohort, Split, folds, holdout
from konio.learning.nodule_table import classes_of
from konio.nodules import Readings
from konio.records import Case
from konio.tasks import NODULE_TASKS


def nodule_folds(readings: Readings, count: int, rng: np.random.Generator) -> tuple[Split, ...]:
    """Cross-validation by patient, with the mixture of malignancy kept in every fold.

    Args:
        readings: the nodules.
        count: of folds.
        rng: source of chance.

    Raises:
        CohortError: if there are fewer patients than folds.
    """
    return folds(_cohort(readings), count, rng, _stratum)


def nodule_holdout(readings: Readings, fraction: float, rng: np.random.Generator) -> Split:
    """Set a part of the patients aside, with the mixture of malignancy kept.

    Raises:
        CohortError: if one side would be empty.
    """
    return holdout(_cohort(readings), fraction, rng, _stratum)


def readings_fingerprint(readings: Readings) -> str:
    """SHA-256 over nodules, places, diameters and every reader's grades."""
    rows = [
        [n.nodule_id, n.patient_id, n.series_uid, n.at_mm, n.diameter_mm, sorted(n.ratings.items())]
        for n in readings
    ]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _cohort(readings: Readings) -> Cohort:
    malignancy = NODULE_TASKS.subset("malignancy")
    classes = classes_of(readings, malignancy)["malignancy"]
    cases = [
        Case(str(row), patient, {}, covariates={"class": str(known)})
        for row, (patient, known) in enumerate(zip(readings.patients, classes, strict=True))
    ]
    return Cohort(tuple(cases), Path(), NODULE_TASKS)


def _stratum(case: Case) -> str:
    return case.covariates["class"]


def reader_spread(readings: Readings) -> dict[str, dict[str, dict[str, float]]]:
    """How far people differ about nodules of each grade: question to grade to SD between readers and number.

    The grade is the mean of the readers, rounded.
    """
    found: dict[str, dict[str, dict[str, float]]] = {}
    for task in NODULE_TASKS:
        if task.name == "diameter" or not task.ordered:
            continue
        mean, spread = readings.mean(task.name), readings.spread(task.name)
        grades = np.rint(mean)
        found[task.name] = {
            name: {"sd": float(spread[chosen].mean()), "nodules": int(chosen.sum())}
            for place, name in enumerate(task.classes)
            if (chosen := (grades == place + 1) & np.isfinite(spread)).any()
        }
    return found


def diameter_only(readings: Readings, positions: Sequence[int]) -> dict[str, float] | None:
    """The one-number baseline: a logistic curve of malignancy (above 3.25 against below 2.75) on the diameter.

    Args:
        readings: the nodules.
        positions: of those it may learn from.

    Returns:
        ``midpoint_mm`` where the probability is one half, ``slope`` per doubling of the diameter, ``nodules``;
        ``None`` where a class is absent.
    """
    from konio.features.classifiers import fit

    part = readings.subset(positions)
    truth = classes_of(part, NODULE_TASKS.subset("malignancy"))["malignancy"]
    doublings = np.log2(part.diameters)
    usable = (truth >= 0) & np.isfinite(doublings)
    if len(np.unique(truth[usable])) < 2:
        return None
    model = fit("logistic", doublings[usable, None], truth[usable], seed=0)
    ends = np.array([[2.0], [4.0]])
    odds = np.log(model.probabilities(ends)[:, 1] / model.probabilities(ends)[:, 0])
    slope = float(odds[1] - odds[0]) / 2
    return {
        "midpoint_mm": float(2 ** (2.0 - odds[0] / slope)),
        "slope": slope,
        "nodules": int(usable.sum()),
    }
