"""The smallest cohorts of paper B's study: nobody's films, and prepared films of noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from konio.cohort import Cohort, read_cohort, write_cohort
from konio.learning.store import Store
from konio.records import Case
from konio.studies.hierarchy.presets import PRESETS
from konio.studies.hierarchy.trial import COHORT

SMOKE = PRESETS["smoke"]
SIDE = 96


def cohort(folder: Path, counts: tuple[int, ...] = SMOKE.counts) -> Cohort:
    """Films that nobody has to read; every tenth patient has two."""
    cases = []
    for stage, films in zip(("0", "I", "II", "III"), counts, strict=True):
        for number in range(films):
            labels = {"differential": "dust", "stage": stage}
            if stage == "0":
                labels = {"differential": "healthy", "stage": None}
            patient = f"{stage}-{number - (number % 10 == 9)}"
            cases.append(Case(str(folder / f"{stage}-{number}.dcm"), patient, labels))
    write_cohort(Cohort(tuple(cases), folder), folder / COHORT)
    return read_cohort(folder / COHORT, check_files=False)


def store(films: int, folder: Path = Path(), side: int = SIDE) -> Store:
    """Noise in place of films."""
    rng = np.random.default_rng(0)
    points = side // 4
    return Store(
        folder,
        {side: rng.integers(0, 256, (films, side, side), dtype=np.uint8)},
        np.zeros((films, points, points), np.uint8),
        np.zeros((films, 3, points, points), np.uint8),
        np.zeros(films, bool),
        np.ones(films, bool),
        {},
    )
