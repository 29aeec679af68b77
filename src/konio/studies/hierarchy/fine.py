"""Fine-grained features: what a trained network looked at, reduced and given to classical classifiers (table 3.1).

Everything is fitted on the training part and measured on the test part; the class whose maps are selected is the
network's own answer. The two-level features come from the level that decided each film, by the cut point that was chosen
on validation films.

References:
    Paper B, chapter 3; dossier 4.2 T13 to T16, B17 to B21.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from konio import metrics
from konio.cohort import read_cohort
from konio.features.classifiers import THESIS, fit, most_components
from konio.features.curves import SHARES, learning_curve
from konio.features.films import deciding_level_features
from konio.features.reduce import SCREE, THESIS_COMPONENTS, embed, fit_components
from konio.hierarchy import decide
from konio.learning.batches import Films, in_order
from konio.learning.store import read_store
from konio.networks.classifier import Classifier
from konio.prepare.crops import CropPlan
from konio.studies.hierarchy.parts import Parts, read_parts
from konio.studies.hierarchy.trial import (
    COHORT,
    PREPARED,
    WEIGHTS,
    plan_of,
    read_predictions,
    recipe_of,
)
from konio.studies.runner import TRIALS

FEATURES: Final = "features.npz"
#: The thesis' classifiers with its numbers; its C is read as the L2 coefficient and, as printed, as scikit-learn's own
#: (dossier 0.4).
CLASSIFIERS: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "logistic": ("logistic", THESIS["logistic"]),
    "logistic-as-printed": ("logistic", {**THESIS["logistic"], "reading": "inverse"}),
    "svm": ("svm", THESIS["svm"]),
    "svm-as-printed": ("svm", {**THESIS["svm"], "reading": "inverse"}),
    "forest": ("forest", THESIS["forest"]),
}
#: Kinds whose learning curve is drawn (figure 3.9).
DRAWN: Final = tuple(THESIS)
_BATCH: Final = 16
Table = NDArray[np.float32]


def run_features(settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Features of trained levels, and what classical classifiers make of them.

    Args:
        settings: ``levels`` (name and settings of each level's trial, first level first), ``cut`` (``None`` for one
            level), ``form`` of the features and ``seed``.
        folder: the trial's own.

    Returns:
        Macro-recall and confusion of every classifier on the test part, its number of components, the scree and the
        learning curves.
    """
    out = folder.parents[1]
    parts = read_parts(out)
    recipe = recipe_of(settings["levels"][0]["settings"])
    asked = _Asked(
        levels=tuple(open_level(out, level) for level in settings["levels"]),
        said=tuple(read_predictions(out / TRIALS / level["name"]) for level in settings["levels"]),
        cut=settings["cut"],
        crop=CropPlan(recipe.levels.crop, ten=False, size=recipe.phases[-1].size),
        side=recipe.final_side,
        form=settings["form"],
    )
    store = read_store(out / PREPARED, recipe.sides)
    tables, labels = {}, {}
    for part, places in (("train", parts.train), ("test", parts.test)):
        films = Films(store, np.array(places, np.int64), parts.labels(places))
        tables[part] = _features(asked, _decided(asked, films, part), films)
        labels[part] = parts.labels(places)[:, 0]
    return _judged(settings, folder, tables, labels, parts)


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """The trained levels, what they said of the test part, and how films are shown to them."""

    levels: tuple[Classifier, ...]
    said: tuple[Mapping[str, NDArray[np.float64]], ...]
    cut: float | None
    crop: CropPlan
    side: int
    form: str

    def images(self, films: Films) -> Iterator[Tensor]:
        """Central crops, batch by batch."""
        for batch in in_order(films, self.side, _BATCH):
            yield self.crop.cut(batch["image"][:, None].float() / 127.5 - 1)


def open_level(out: Path, level: Mapping[str, Any]) -> Classifier:
    """The trained network of one trial (``name`` and ``settings``), ready to answer."""
    recipe = recipe_of(level["settings"])
    with torch.device("meta"):
        network = Classifier(plan_of(level["settings"], recipe))
    weights = load_file(out / TRIALS / level["name"] / WEIGHTS)
    network.load_state_dict(weights, assign=True)
    return network.eval().requires_grad_(requires_grad=False)


def _decided(asked: _Asked, films: Films, part: str) -> NDArray[np.int64]:
    """Which level decided each film; of the training part by its central crop."""
    if asked.cut is None:
        return np.ones(len(films), np.int64)
    if part == "test":
        first, second = (own["test"] for own in asked.said)
        return decide(first[:, 1], second, asked.cut).level
    level = asked.levels[0]
    with torch.no_grad():
        ill = torch.cat([level(image).softmax(dim=1)[:, 1] for image in asked.images(films)])
    return np.where(ill.double().numpy() >= asked.cut, 2, 1)


def _features(asked: _Asked, decided: NDArray[np.int64], films: Films) -> Table:
    rows = []
    done = 0
    for image in asked.images(films):
        own = decided[done : done + len(image)]
        rows.append(deciding_level_features(asked.levels, own, image, form=asked.form))
        done += len(image)
    return np.concatenate(rows)


def _judged(
    settings: Mapping[str, Any],
    folder: Path,
    tables: Mapping[str, Table],
    labels: Mapping[str, NDArray[np.int64]],
    parts: Parts,
) -> dict[str, Any]:
    train, seed = tables["train"], int(settings["seed"])
    cohort = read_cohort(folder.parents[1] / COHORT, check_files=False)
    patients = [cohort.cases[i].patient_id for i in parts.train]
    found: dict[str, Any] = {}
    predicted: dict[str, NDArray[Any]] = {}
    for name, (kind, options) in CLASSIFIERS.items():
        for wanted in THESIS_COMPONENTS:
            count = min(wanted, most_components(kind, *train.shape))
            model = fit(kind, train, labels["train"], seed=seed, classes=4, components=count, **options)  # fmt: skip
            said = model.predict(tables["test"])
            matrix = metrics.confusion(labels["test"], said, 4)
            found[f"{name}-{wanted}"] = {
                "components": count,
                "macro_recall": metrics.macro_recall(matrix),
                "confusion": matrix.tolist(),
            }
            predicted[f"{name}-{wanted}"] = said
    scree = fit_components(train, min(SCREE, *train.shape), seed)
    shown = {
        "embedded": embed(tables["test"], 2, seed),
        "embedded_3d": embed(tables["test"], 3, seed),
        "truth": labels["test"],
    }
    np.savez(folder / FEATURES, **shown, **predicted)  # type: ignore[arg-type]
    return {
        "width": train.shape[1],
        "classifiers": found,
        "scree": scree.shares.tolist(),
        "curves": _curves(train, labels["train"], patients, seed)
        if settings["cut"] is None
        else {},
        "score": max(one["macro_recall"] for one in found.values()),
    }


def _curves(
    table: Table, labels: NDArray[np.int64], patients: Sequence[str], seed: int
) -> dict[str, Any]:
    """Learning curves of the drawn kinds as plain data; ``None`` where a part was too small."""
    curves = {}
    for name in DRAWN:
        kind, options = CLASSIFIERS[name]
        smallest = max(2, int(min(SHARES) * len(table)) // 2)
        count = min(THESIS_COMPONENTS[-1], most_components(kind, smallest, table.shape[1]))
        curve = learning_curve(
            kind, table, labels, seed=seed, patients=patients, components=count, **options
        )
        curves[name] = {
            "cases": curve.cases.tolist(),
            "training": _plain(curve.training),
            "validation": _plain(curve.validation),
        }
    return curves


def _plain(values: NDArray[np.float64]) -> list[list[float | None]]:
    return [[None if np.isnan(v) else float(v) for v in row] for row in values]
