"""The shortcut gate: can a class be guessed from grey statistics, or only from texture where disease is?

Whole-image statistics must stay near chance; statistics of fine structure in the six zones must not.
Classifier: linear discriminant analysis with shrinkage, five folds, five repeats.

Run: python benchmarks/phantom_gate.py [--per-class 50] [--size 512] [--seed 900] [--workers 2]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import scipy.ndimage as ndi
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from _machine import machine
from konio.phantom import RECIPE, WISHES, PhantomFilm, radiograph

PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
BANDS_MM = ((0.7, 1.4), (1.4, 2.8), (2.8, 5.6), (5.6, 11.2))
#: Tasks of the gate: which films, and the class of each.
TASKS: Mapping[str, Mapping[str, str]] = {
    "six classes": {wish: wish for wish in WISHES},
    "stage": {wish: wish for wish in WISHES if wish.startswith("dust")},
    "differential": {wish: wish.partition("-")[0] for wish in WISHES},
}


def statistics(values: np.ndarray) -> list[float]:
    """Mean, standard deviation and percentiles."""
    return [float(values.mean()), float(values.std()), *np.percentile(values, PERCENTILES)]


def features(film: PhantomFilm) -> dict[str, list[float]]:
    """Three sets of features of one film."""
    texture: list[float] = []
    for fine, coarse in BANDS_MM:
        scale = film.spacing_mm[0]
        band = ndi.gaussian_filter(film.display, fine / scale)
        band -= ndi.gaussian_filter(film.display, coarse / scale)
        for zone in range(1, 7):
            inside = band[film.zones == zone]
            spread = float(inside.std()) + 1e-6
            texture += [np.log(spread), float(((inside - inside.mean()) ** 3).mean()) / spread**3]
    return {
        "whole image": statistics(film.display),
        "lungs": statistics(film.display[film.lungs]),
        "zone texture": texture,
    }


def one(job: tuple[int, int, str, int]) -> tuple[str, dict[str, list[float]]]:
    seed, number, wish, size = job
    film = radiograph(np.random.default_rng([seed, number]), wish, size)
    return wish, features(film)


def _flat(sets: dict[str, list[float]]) -> list[float]:
    return [value for values in sets.values() for value in values]


def table(
    rows: list[tuple[str, dict[str, list[float]]]], repeats: int = 5
) -> dict[str, dict[str, float]]:
    """Accuracy by set of features and task."""
    result: dict[str, dict[str, float]] = {}
    for name in ("whole image", "lungs", "zone texture", "all"):
        result[name] = {}
        for task, classes in TASKS.items():
            chosen = [(w, f) for w, f in rows if w in classes]
            x = np.array([_flat(f) if name == "all" else f[name] for _, f in chosen])
            y = np.array([classes[w] for w, _ in chosen])
            model = make_pipeline(
                StandardScaler(), LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
            )
            folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=repeats, random_state=0)
            scores = cross_val_score(model, x, y, cv=folds, scoring="balanced_accuracy")
            result[name][task] = float(scores.mean())
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-class", type=int, default=50)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--seed", type=int, default=900)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    print(machine("scipy", "scikit-learn"))
    jobs = [
        (options.seed, k, WISHES[k % len(WISHES)], options.size)
        for k in range(options.per_class * len(WISHES))
    ]
    start = time.perf_counter()
    with ProcessPoolExecutor(options.workers) as pool:
        rows = list(pool.map(one, jobs, chunksize=4))
    made = time.perf_counter() - start
    print(f"{RECIPE}, {len(rows)} films of {options.size} pixels, seed {options.seed}")
    print(f"made and measured in {made:.0f} s with {options.workers} workers")
    print("balanced accuracy".ljust(20), *(task.rjust(14) for task in TASKS))
    print("chance".ljust(20), *(f"{1 / len(set(c.values())):14.3f}" for c in TASKS.values()))
    for name, cells in table(rows).items():
        print(name.ljust(20), *(f"{value:14.3f}" for value in cells.values()))


if __name__ == "__main__":
    main()
