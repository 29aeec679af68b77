"""Do the heads say what the backbone sees?

    python benchmarks/heads.py COHORT --model konio-radiograph

Each question is asked twice of the same pooled features: the model's own head answers, and a simple model that never saw
the film (five folds): a ridge for the profusion of a zone, the six zones of a film together; a logistic regression for
differential and stage. A head far below has not finished learning, whatever the backbone does. Prepared films are kept
in --out.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import GroupKFold, StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from _machine import machine
from konio.cohort import read_cohort
from konio.learning.batches import Films
from konio.learning.films import FilmPlan
from konio.learning.training import Options, films_of, labels_of
from konio.networks import Bundle, find_bundle, read_bundle
from konio.networks.multitask import MultiTaskNetwork
from konio.networks.pooling import Pooled
from konio.prepare import Preparation
from konio.tasks import MISSING, RADIOGRAPH_TASKS, ZONES

WHOLE = ("differential", "stage")
ZONE_TASKS = tuple(f"zone_{zone}" for zone in ZONES)
BATCH = 16
#: Inverse strength of the logistic regression's penalty; features outnumber films.
PENALTY = 1e-3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cohort", type=Path)
    parser.add_argument("--model", default="konio-radiograph")
    parser.add_argument("--out", type=Path, default=Path("out/heads"))
    given = parser.parse_args()
    bundle = read_bundle(find_bundle(given.model))
    network = bundle.network().eval()
    films = films_with_labels(given.cohort, bundle, given.out)
    kept, said = asked(network, films)
    print(machine("scikit-learn"))
    print(f"{bundle.facts.name} {bundle.weights_sha256[:12]}, {len(films)} films")
    zones(kept.kept[:, 1:].numpy(), np.stack([said[n] for n in ZONE_TASKS], 1), films.labels[:, 2:])
    for column, name in enumerate(WHOLE):
        vectors = network.pool(kept, RADIOGRAPH_TASKS[name]).numpy()
        whole(name, vectors, said[name], films.labels[:, column])


def films_with_labels(path: Path, bundle: Bundle, out: Path) -> Films:
    """The cohort's films that could be prepared, with their labels of all questions asked here."""
    cohort = read_cohort(path)
    preparation = Preparation.from_json(bundle.facts.preprocessing)
    store = films_of(cohort, FilmPlan(preparation, (preparation.size,)), out, Options())
    labels = labels_of(cohort, RADIOGRAPH_TASKS.subset(*WHOLE, *ZONE_TASKS))
    ready = np.flatnonzero(store.ready)
    return Films(store, ready, labels[ready])


def asked(network: MultiTaskNetwork, films: Films) -> tuple[Pooled, dict[str, NDArray[np.float32]]]:
    """Pooled features, and every head's probabilities."""
    side = max(films.store.images)
    backbone = network.folded(size=side)
    pooled, said = [], []
    with torch.inference_mode():
        for first in range(0, len(films), BATCH):
            some = np.arange(first, min(first + BATCH, len(films)))
            seen = films.view(films.batch(some, side), side)
            features = backbone(seen.image).float()
            pooled.append(Pooled(features, seen.zones).kept)
            said.append(network.answer(features, seen.zones))
    names = (*WHOLE, *ZONE_TASKS)
    answers = {n: torch.cat([part[n] for part in said]).softmax(1).numpy() for n in names}
    return Pooled.of(torch.cat(pooled)), answers


def zones(vectors: NDArray[Any], said: NDArray[Any], labels: NDArray[np.int64]) -> None:
    """Profusion: correlation and mean error of the expected class."""
    known = labels[:, 0] != MISSING
    truth = labels[known].ravel()
    own = (said[known] @ np.arange(12)).ravel()
    people = np.repeat(np.arange(known.sum()), len(ZONES))
    ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(0, 5, 11)))
    table = vectors[known].reshape(len(truth), -1)
    guessed = cross_val_predict(ridge, table, truth, groups=people, cv=GroupKFold(5))
    for name, answer in (("its own head", own), ("ridge", guessed)):
        correlation = np.corrcoef(answer, truth)[0, 1]
        error = np.abs(answer - truth).mean()
        print(
            f"profusion of {len(truth)} zones, {name:12}: correlation {correlation:.3f}, "
            f"mean error {error:.2f} minor categories"
        )


def whole(name: str, vectors: NDArray[Any], said: NDArray[Any], labels: NDArray[np.int64]) -> None:
    """A question about the whole film: accuracy and recall of each class."""
    known = labels != MISSING
    truth = labels[known]
    logistic = make_pipeline(StandardScaler(), LogisticRegression(C=PENALTY, max_iter=2000))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    guessed = cross_val_predict(logistic, vectors[known], truth, cv=folds)
    for who, answer in (("its own head", said[known].argmax(1)), ("logistic", guessed)):
        recalls = [(answer[truth == c] == c).mean() for c in range(len(RADIOGRAPH_TASKS[name]))]
        shown = ", ".join(f"{recall:.2f}" for recall in recalls)
        print(f"{name} of {len(truth)} films, {who:12}: {(answer == truth).mean():.3f} ({shown})")


if __name__ == "__main__":
    main()
