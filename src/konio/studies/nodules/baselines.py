"""What needs no network: the commonest class, the diameter alone, and a handful of shape and brightness measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from konio import metrics
from konio.cohort import Split
from konio.features.classifiers import fit
from konio.nodules import Readings
from konio.prepare.nodule import NodulePreparation
from konio.studies.nodules.classical import two_class_scores
from konio.tasks import MISSING

BASELINES: Final = ("majority", "diameter", "shape")
#: Brightness above which a voxel of the middle belongs to the nodule; between lung (-850 HU) and soft tissue (30 HU).
_TISSUE_HU: Final = -400.0

Floats = NDArray[np.float64]


def shape_features(
    voxels: NDArray[np.uint8], preparation: NodulePreparation, positions: Sequence[int]
) -> Floats:
    """Eleven numbers of each kept cube, ``(n, 11)``: size, form and brightness of the bright piece in the middle.

    Args:
        voxels: kept cubes of a source.
        preparation: of the network's input.
        positions: rows of ``voxels``.
    """
    return np.stack([_features(np.asarray(voxels[row]), preparation) for row in positions])


def _features(kept: NDArray[np.uint8], preparation: NodulePreparation) -> Floats:
    from scipy import ndimage

    low, high = preparation.low, preparation.high
    hu = low + kept.astype(np.float32) / 255 * (high - low)
    spacing = np.array(preparation.spacing_mm)
    middle = tuple(size // 2 for size in hu.shape)
    pieces, _ = ndimage.label(hu > _TISSUE_HU)
    found = pieces[middle]
    mask = pieces == found if found else _ball(hu.shape, spacing, 3.0)
    size = float(mask.sum() * spacing.prod())
    within = hu[mask]
    edge = mask & ~ndimage.binary_erosion(mask)
    places = np.argwhere(mask) * spacing
    spread = (
        np.linalg.eigvalsh(np.cov(places.T) + 1e-3 * np.eye(3)) if len(places) > 3 else np.ones(3)
    )
    ball = _ball(hu.shape, spacing, 4.0)
    return np.array(
        [
            np.log(size + 1), np.log(edge.sum() * spacing[1] + 1), float(edge.sum()) / float(mask.sum()),
            np.sqrt(spread[-2] / spread[-1]), np.log(spread[-1]), within.mean(), within.std(),
            np.quantile(within, 0.95), hu[ball].mean(), hu[ball].max(), float(found > 0),
        ],
        np.float64,
    )  # fmt: skip


def _ball(shape: tuple[int, ...], spacing: NDArray[np.float64], radius: float) -> NDArray[np.bool_]:
    lines = [
        (np.arange(n) - n // 2) * step if n > 1 else np.zeros(1)
        for n, step in zip(shape, spacing, strict=True)
    ]
    z, y, x = np.meshgrid(*lines, indexing="ij")
    return np.asarray(z**2 + y**2 + x**2 <= radius**2)


def baseline_scores(
    readings: Readings,
    shapes: Floats | None,
    classes: Mapping[str, NDArray[np.int64]],
    folds: Sequence[Split],
    count: int = 2,
) -> dict[str, dict[str, dict[int, dict[str, float]]]]:
    """Scores of the three baselines on the folds: baseline to question to fold to scores.

    The diameter is no baseline for the question about the diameter.

    Args:
        readings: the nodules of the study.
        shapes: from `shape_features`; ``None`` where there are no pixels.
        classes: question to ``(n,)`` classes.
        folds: the study's.
        count: of classes, 2 or 3; with 3 the scores are accuracy and balanced accuracy alone.
    """
    tables: dict[str, Floats] = {"diameter": np.log(readings.diameters)[:, None]}
    if shapes is not None:
        tables["shape"] = shapes
    found: dict[str, dict[str, dict[int, dict[str, float]]]] = {name: {} for name in BASELINES}
    for question, labels in classes.items():
        for fold, split in enumerate(folds):
            train, test = _known(split.train, labels), _known(split.test, labels)
            if len(np.unique(labels[train])) < 2 or not len(test):
                continue
            shares = np.bincount(labels[train], minlength=count) / len(train)
            majority = _scores(labels[test], np.tile(shares, (len(test), 1)))
            found["majority"].setdefault(question, {})[fold] = majority
            for name, table in tables.items():
                if name == question:
                    continue
                scores = _fitted(table, labels, train, test, count)
                if scores is not None:
                    found[name].setdefault(question, {})[fold] = scores
    return found


def _fitted(
    table: Floats,
    labels: NDArray[np.int64],
    train: NDArray[np.int64],
    test: NDArray[np.int64],
    count: int,
) -> dict[str, float] | None:
    train = train[np.isfinite(table[train]).all(axis=1)]
    test = test[np.isfinite(table[test]).all(axis=1)]
    if len(np.unique(labels[train])) < 2 or not len(test):
        return None
    model = fit("logistic", table[train], labels[train], seed=0, classes=count)
    return _scores(labels[test], model.probabilities(table[test]))


def _scores(truth: NDArray[np.int64], shares: Floats) -> dict[str, float]:
    """Scores of probabilities ``(n, classes)``, as the networks have them."""
    called = shares.argmax(axis=1).astype(np.int64)
    if shares.shape[1] == 2:
        return two_class_scores(truth, called, shares[:, 1])
    matrix = metrics.confusion(truth, called, shares.shape[1])
    return {
        "accuracy": metrics.accuracy(matrix),
        "balanced_accuracy": metrics.balanced_accuracy(matrix),
    }


def _known(positions: Sequence[int], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    rows = np.array(positions, np.int64)
    return np.asarray(rows[labels[rows] != MISSING], np.int64)
