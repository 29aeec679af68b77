"""What the page shows by patients, and where all films are of one patient, of whom nothing by patients is known."""

from __future__ import annotations

import numpy as np

from konio.significance import (
    clustered_delong_interval,
    clustered_wilson,
    delong_interval,
    wilson,
)
from konio.studies.multitask.report_intervals import area, share

RNG = np.random.default_rng(3)
FILMS = 60
PAIRS = [f"p{i // 2}" for i in range(FILMS)]
RIGHT = np.repeat(RNG.random(FILMS // 2) < 0.8, 2)
SICK = RNG.random(FILMS) < 0.4
SCORE = RNG.normal(0, 1, FILMS) + SICK


def test_several_patients_count_as_patients():
    assert share(RIGHT, PAIRS) == clustered_wilson(RIGHT, PAIRS) != wilson(int(RIGHT.sum()), FILMS)
    by_patient = clustered_delong_interval(SICK, SCORE, PAIRS)
    assert area(SICK, SCORE, PAIRS) == by_patient != delong_interval(SICK, SCORE)


def test_of_one_patient_every_film_counts():
    assert share(RIGHT, ["p"] * FILMS) == wilson(int(RIGHT.sum()), FILMS)
    assert area(SICK, SCORE, ["p"] * FILMS) == delong_interval(SICK, SCORE)
