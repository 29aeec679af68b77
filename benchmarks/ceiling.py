"""What the labels of made-up patients allow at most, whoever reads the films.

``python benchmarks/ceiling.py``. No film is made: plans are drawn as the phantom draws them (`konio.phantom.labels`), and a reader
is given the truth about every zone with an error of so many minor categories, and about large opacities and aggregation without
any. A boosted classifier that was taught on other plans answers as well as such a reader can. Healthy people have zones at 0/- and
0/0; exposed people of stage 0 have them too, so that even a reader without error takes some for the other.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from _machine import machine
from konio import metrics
from konio.phantom.labels import FilmPlan, plan_film
from konio.tasks import PROFUSIONS, STAGE, ZONES

Array = NDArray[np.float64]
ERRORS = (0.0, 0.3, 0.5, 0.7, 0.9, 1.1)
#: Healthy people for each exposed one of stage 0 in the cohort that is measured.
PRIOR = 4.0


def seen(plan: FilmPlan) -> list[float]:
    zones = [float(PROFUSIONS.index(plan.findings.zones[zone] or "0/0")) for zone in ZONES]
    largest = max((o.long_mm for o in plan.findings.large), default=0.0)
    return [*zones, largest, float(plan.findings.aggregation)]


def drawn(rng: np.random.Generator, wish: str, count: int) -> Array:
    return np.array([seen(plan_film(rng, wish)) for _ in range(count)])


def read(rng: np.random.Generator, truth: Array, error: float) -> Array:
    zones = truth[:, :6] + rng.normal(0, error, (len(truth), 6)) * (error > 0)
    return np.c_[zones, np.sort(zones, axis=1), zones.sum(axis=1), truth[:, 6:]]


def answers(
    rng: np.random.Generator, groups: list[Array], error: float, weights: list[float]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Truth and answer of the second half of every group, after learning from the first."""
    readings = np.concatenate([read(rng, group, error) for group in groups])
    truth = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    first = np.concatenate([np.arange(len(group)) < len(group) // 2 for group in groups])
    model = HistGradientBoostingClassifier(max_iter=120, random_state=0)
    model.fit(readings[first], truth[first], sample_weight=np.array(weights)[truth[first]])
    return truth[~first], model.predict(readings[~first])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plans", type=int, default=8000, help="of each class")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    healthy, *stages = (
        drawn(rng, wish, options.plans)
        for wish in ("healthy", *(f"dust-{stage}" for stage in STAGE.classes))
    )
    print(f"{machine('scikit-learn')}\n")
    print("error of a zone   mean error   healthy   stage 0   differential   stage      weighted")
    print("(SD, categories)               right     right     at most        at most    kappa")
    for error in ERRORS:
        truth, said = answers(rng, [healthy, stages[0]], error, [PRIOR, 1.0])
        right = [float((said[truth == k] == k).mean()) for k in (0, 1)]
        # 600 films: 200 healthy, 50 of stage 0; everything else is taken to be right.
        most = 1 - (200 * (1 - right[0]) + 50 * (1 - right[1])) / 600
        truth, said = answers(rng, stages, error, [1.0] * 4)
        matrix = metrics.confusion(truth, said, 4)
        print(
            f"{error:16.1f} {np.abs(rng.normal(0, error, 100_000)).mean() if error else 0.0:12.2f} {right[0]:9.3f} {right[1]:9.3f}"
            f" {most:14.3f} {metrics.accuracy(matrix):11.3f} {metrics.quadratic_weighted_kappa(matrix):11.3f}"
        )


if __name__ == "__main__":
    main()
