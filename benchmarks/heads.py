"""Do the heads say what the backbone sees?

    python benchmarks/heads.py COHORT --model konio-radiograph

The profusion of a zone is asked twice of the same pooled features: the model's own head answers, and a ridge regression
that never saw the film (five folds, the six zones of a film together). A head far below the ridge has not finished
learning, whatever the backbone does. Prepared films are kept in --out.
"""

from __future__ import annotations

import argparse
import platform
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import konio
from konio.cohort import read_cohort
from konio.learning.batches import Films
from konio.learning.films import FilmPlan
from konio.learning.training import Options, films_of, labels_of
from konio.networks import find_bundle, read_bundle
from konio.networks.pooling import zone_means
from konio.prepare import Preparation
from konio.tasks import MISSING, RADIOGRAPH_TASKS, ZONES

ZONE_TASKS = tuple(f"zone_{zone}" for zone in ZONES)
BATCH = 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cohort", type=Path)
    parser.add_argument("--model", default="konio-radiograph")
    parser.add_argument("--out", type=Path, default=Path("out/heads"))
    given = parser.parse_args()
    bundle = read_bundle(find_bundle(given.model))
    cohort = read_cohort(given.cohort)
    network = bundle.network().eval()
    side = Preparation.from_json(bundle.facts.preprocessing).size
    plan = FilmPlan(Preparation.from_json(bundle.facts.preprocessing), (side,), "konio-lungs")
    store = films_of(cohort, plan, given.out, Options())
    labels = labels_of(cohort, RADIOGRAPH_TASKS.subset(*ZONE_TASKS))
    kept = np.flatnonzero(store.ready & (labels[:, 0] != MISSING))
    films = Films(store, kept, labels[kept])
    backbone = network.folded(size=side)
    pooled, said = [], []
    with torch.inference_mode():
        for first in range(0, len(films), BATCH):
            some = np.arange(first, min(first + BATCH, len(films)))
            seen = films.view(films.batch(some, side), side)
            features = backbone(seen.image)
            pooled.append(zone_means(features.float(), seen.zones).numpy())
            answers = network.answer(features.float(), seen.zones)
            said.append(np.stack([answers[name].softmax(1).numpy() for name in ZONE_TASKS], 1))
    truth = films.labels.ravel()
    expected = (np.concatenate(said) @ np.arange(12)).ravel()
    vectors = np.concatenate(pooled).reshape(len(truth), -1)
    films_of_rows = np.repeat(np.arange(len(films)), len(ZONES))
    ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(0, 5, 11)))
    guessed = cross_val_predict(ridge, vectors, truth, groups=films_of_rows, cv=GroupKFold(5))
    print(f"{platform.machine()}, torch {torch.__version__}, konio {konio.__version__}")
    print(
        f"{bundle.facts.name} {bundle.weights_sha256[:12]}, {len(films)} films, {len(truth)} zones"
    )
    for name, answer in (("the model's own head", expected), ("ridge on the same", guessed)):
        correlation = np.corrcoef(answer, truth)[0, 1]
        error = np.abs(answer - truth).mean()
        print(f"{name:22} correlation {correlation:.3f}, mean error {error:.2f} minor categories")


if __name__ == "__main__":
    main()
