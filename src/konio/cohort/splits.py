"""Splits that never part a patient and keep the mixture of classes.

The result depends on the cases and the generator only, not on the order of the rows.

References:
    Paper A, section 1.3: 90 % / 10 % hold-out and ten-fold cross-validation; stratified here by the six
    ways healthy, tuberculosis and dust-exposed stage 0, I, II, III.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from konio.cohort.cohort import Cohort
from konio.errors import CohortError
from konio.records import Case
from konio.tasks import STAGE

#: The six ways in rising order of disease; a patient with several films counts as the highest.
SIX_WAYS: Final = ("unknown", "healthy", "tuberculosis", "dust", *STAGE.classes)


@dataclass(frozen=True, slots=True)
class Split:
    """Positions of cases in a cohort.

    Args:
        train: to learn from, ascending.
        test: to measure on, ascending.
    """

    train: tuple[int, ...]
    test: tuple[int, ...]


def six_way(case: Case) -> str:
    """Healthy, tuberculosis, or the stage of a dust-exposed person.

    Returns:
        One of `SIX_WAYS`: ``dust`` where the stage is unknown, ``unknown`` where everything is.
    """
    return case.labels.get("stage") or case.labels.get("differential") or "unknown"


def holdout(
    cohort: Cohort,
    fraction: float,
    rng: np.random.Generator,
    stratum: Callable[[Case], str] = six_way,
) -> Split:
    """Set a part of the patients aside.

    Args:
        cohort: the cases.
        fraction: part of the films to set aside, 0..1 exclusive; reached exactly where every patient has
            one film, else as closely as whole patients allow from below.
        rng: source of chance.
        stratum: what keeps its share on both sides.

    Raises:
        CohortError: on a fraction outside its range or a side without a patient.
    """
    if not 0 < fraction < 1:
        raise CohortError(f"the part set aside must lie between 0 and 1, got {fraction}; try 0.1")
    strata = _patients_by_stratum(cohort, stratum)
    films = _films(cohort)
    wanted = _shares({s: sum(len(films[p]) for p in who) for s, who in strata.items()}, fraction)
    aside: set[str] = set()
    for name, patients in strata.items():
        left = wanted[name]
        for patient in rng.permutation(patients).tolist():
            if len(films[patient]) <= left:
                aside.add(patient)
                left -= len(films[patient])
    if not aside or len(aside) == len(films):
        raise CohortError(
            f"{len(films)} patients cannot be parted at {fraction}; one side would be empty, add patients"
        )
    return _split(cohort, aside)


def folds(
    cohort: Cohort,
    count: int,
    rng: np.random.Generator,
    stratum: Callable[[Case], str] = six_way,
) -> tuple[Split, ...]:
    """Cross-validation: every patient is on the test side exactly once.

    Args:
        cohort: the cases.
        count: number of folds, at least 2 and at most the number of patients.
        rng: source of chance.
        stratum: what keeps its share in every fold.

    Raises:
        CohortError: on an impossible number of folds.
    """
    films = _films(cohort)
    if not 2 <= count <= len(films):
        raise CohortError(
            f"{count} folds cannot be made of {len(films)} patients; choose 2 to {len(films)}"
        )
    members: list[set[str]] = [set() for _ in range(count)]
    filled = [0] * count
    for patients in _patients_by_stratum(cohort, stratum).values():
        here = [0] * count
        shuffled = sorted(rng.permutation(patients).tolist(), key=lambda p: -len(films[p]))
        for patient in shuffled:
            fold = min(range(count), key=lambda i: (here[i], filled[i], i))
            members[fold].add(patient)
            here[fold] += len(films[patient])
            filled[fold] += len(films[patient])
    return tuple(_split(cohort, aside) for aside in members)


def _films(cohort: Cohort) -> dict[str, list[int]]:
    films: dict[str, list[int]] = defaultdict(list)
    for position, case in enumerate(cohort.cases):
        films[case.patient_id].append(position)
    return films


def _patients_by_stratum(
    cohort: Cohort, stratum: Callable[[Case], str]
) -> dict[str, Sequence[str]]:
    order = {name: place for place, name in enumerate(SIX_WAYS)}
    highest: dict[str, str] = {}
    for case in cohort.cases:
        names = [stratum(case)]
        if case.patient_id in highest:
            names.append(highest[case.patient_id])
        highest[case.patient_id] = max(names, key=lambda name: (order.get(name, -1), name))
    strata: dict[str, list[str]] = defaultdict(list)
    for patient in sorted(highest):
        strata[highest[patient]].append(patient)
    return {name: strata[name] for name in sorted(strata)}


def _shares(sizes: Mapping[str, int], fraction: float) -> Counter[str]:
    """Films to take from each stratum; largest remainders make the sum right."""
    exact = {name: size * fraction for name, size in sizes.items()}
    shares = Counter({name: int(value) for name, value in exact.items()})
    rest = round(sum(exact.values())) - shares.total()
    by_remainder = sorted(exact, key=lambda name: (shares[name] - exact[name], name))
    for name in by_remainder[:rest]:
        shares[name] += 1
    return shares


def _split(cohort: Cohort, aside: set[str]) -> Split:
    positions = range(len(cohort.cases))
    return Split(
        train=tuple(i for i in positions if cohort.cases[i].patient_id not in aside),
        test=tuple(i for i in positions if cohort.cases[i].patient_id in aside),
    )
