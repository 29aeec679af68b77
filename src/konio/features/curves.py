"""Learning curves and the choice of settings, by folds that never part a patient.

Every classifier here is fitted on the training side of its fold, with its components and its standardisation; the other
side is only looked at.

References:
    Paper B, figure 3.9 (dossier 4.2 T15, section 5 S7).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from konio.errors import UsageError
from konio.features.classifiers import Classifier, fit, most_components
from konio.metrics import confusion, macro_recall

Positions = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Shares of the training side at which a learning curve is drawn.
SHARES: Final = (0.1, 0.325, 0.55, 0.775, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class LearningCurve:
    """Macro-recall against the number of training cases, fold by fold.

    Args:
        cases: ``(shares,)`` mean number of training cases.
        training: ``(folds, shares)`` macro-recall on the cases that were fitted, 0..1; ``nan`` where the part held
            too few cases of too few classes to fit.
        validation: ``(folds, shares)`` on the other side of the fold.
    """

    cases: Floats
    training: Floats
    validation: Floats


def learning_curve(
    kind: str,
    x: ArrayLike,
    y: ArrayLike,
    *,
    seed: int,
    patients: Sequence[str] | None = None,
    folds: int = 5,
    shares: Sequence[float] = SHARES,
    components: int | None = None,
    **options: Any,
) -> LearningCurve:
    """How macro-recall grows with the number of training cases.

    A smaller part is contained in the larger ones. A class that occurs on one side only is no error: macro-recall runs
    over the classes that occur in the truth, and one that training never saw counts with a recall of 0.

    Args:
        kind: of classifier.
        x: ``(n, d)`` raw features.
        y: ``(n,)`` class positions.
        seed: of folds, parts and classifiers.
        patients: ``(n,)`` whose film it is; every case is its own patient where ``None``.
        folds: number of folds, at least 2.
        shares: of the training side, 0 < share <= 1, ascending.
        components: as for `konio.features.classifiers.fit`.
        **options: of the classifier.

    Raises:
        UsageError: if there are fewer patients than folds, a share is out of range, or as for ``fit``.
    """
    if not shares or min(shares) <= 0 or max(shares) > 1 or list(shares) != sorted(shares):
        raise UsageError(f"shares ascend within 0 < share <= 1, got {tuple(shares)}; correct them")
    table, labels = np.asarray(x), np.asarray(y, np.int64)
    classes = int(labels.max()) + 1
    cases, training, validation = (np.full((folds, len(shares)), np.nan) for _ in range(3))
    settings = {"seed": seed, "classes": classes, "components": components, **options}
    for row, (inside, outside) in enumerate(patient_folds(labels, patients, folds, seed)):
        for column, share in enumerate(shares):
            part = inside[: max(1, round(share * len(inside)))]
            cases[row, column] = len(part)
            if not _can_fit(kind, labels[part], table.shape[1], components):
                continue
            model = fit(kind, table[part], labels[part], **settings)
            training[row, column] = _score(model, table[part], labels[part])
            validation[row, column] = _score(model, table[outside], labels[outside])
    return LearningCurve(cases.mean(axis=0), training, validation)


def search(
    kind: str,
    x: ArrayLike,
    y: ArrayLike,
    grid: Sequence[Mapping[str, Any]],
    *,
    seed: int,
    patients: Sequence[str] | None = None,
    folds: int = 5,
) -> tuple[Mapping[str, Any], tuple[float, ...]]:
    """The settings with the best mean macro-recall over patient-wise folds of the training part.

    Args:
        kind: of classifier.
        x: ``(n, d)`` raw features of the training part; the test part has no place here.
        y: ``(n,)`` class positions.
        grid: settings to try (``components`` and options); the first of equals wins.
        seed: of folds and classifiers.
        patients: ``(n,)`` whose film it is.
        folds: number of folds.

    Returns:
        the best settings, and the mean macro-recall of every entry of the grid.
    """
    if not grid:
        raise UsageError("a search needs at least one setting; give a grid")
    table, labels = np.asarray(x), np.asarray(y, np.int64)
    classes = int(labels.max()) + 1
    parts = list(patient_folds(labels, patients, folds, seed))
    means = []
    for settings in grid:
        scores = [
            _score(
                fit(kind, table[a], labels[a], seed=seed, classes=classes, **settings),
                table[b],
                labels[b],
            )
            for a, b in parts
        ]
        means.append(float(np.mean(scores)))
    return grid[int(np.argmax(means))], tuple(means)


def patient_folds(
    labels: Positions, patients: Sequence[str] | None, folds: int, seed: int
) -> Iterator[tuple[Positions, Positions]]:
    """Positions inside and outside of each fold, alike in classes, no patient on both sides.

    The inside is in random order, patient by patient, so that its beginning is a random smaller part.

    Raises:
        UsageError: if there are fewer patients than folds, or other than one patient for each case.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    if patients is not None and len(patients) != len(labels):
        raise UsageError(
            f"{len(labels)} cases need as many patients, got {len(patients)}; give one for each"
        )
    names = np.arange(len(labels)) if patients is None else np.asarray(patients)
    owners = np.unique(names, return_inverse=True)[1]
    count = int(owners.max()) + 1 if len(owners) else 0
    smallest = int(np.bincount(labels)[np.unique(labels)].min()) if len(labels) else 0
    if folds < 2 or count < folds or smallest < 2:
        raise UsageError(
            f"at least 2 folds, as many patients as folds and two cases of every class are needed, got {folds} folds, "
            f"{count} patients and {smallest} cases of the rarest class; use fewer folds or more cases"
        )
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    rng = np.random.default_rng(seed)
    for inside, outside in splitter.split(labels[:, None], _strata(labels, folds), owners):
        turn = rng.permutation(count)[owners[inside]]
        yield inside[np.argsort(turn, kind="stable")], outside


def _strata(labels: Positions, folds: int) -> Positions:
    """Labels to be spread evenly; a class with fewer cases than folds cannot be and joins the largest."""
    counts = np.bincount(labels)
    return np.where(counts[labels] < folds, counts.argmax(), labels)


def _can_fit(kind: str, labels: Positions, width: int, components: int | None) -> bool:
    counts = np.bincount(labels)
    counts = counts[counts > 0]
    enough = len(counts) > 1 and (kind != "svm" or int(counts.min()) > 1)
    return enough and (components or 0) <= most_components(kind, len(labels), width)


def _score(model: Classifier, table: NDArray[Any], labels: Positions) -> float:
    return macro_recall(confusion(labels, model.predict(table), model.classes))
