"""Classical classifiers with their standardisation inside, fitted on what they are given and nothing else.

`fit` is the only place where anything is learned: principal components, mean, spread and estimator all come from its
``x``. Whoever gives it the training part has no leak; `konio.features.curves` splits by patient and fits inside.

References:
    Paper B, table 3.1 (dossier 4.2 T15, B19 to B21): logistic regression, support vector machine, random forest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from konio.errors import UsageError
from konio.metrics import fit_temperature, softmax

Floats = NDArray[np.float64]

#: How a number called C is meant: scikit-learn's inverse strength, or the L2 coefficient itself (its inverse).
Reading = Literal["inverse", "penalty"]

#: The settings of table 3.1. The thesis calls C "the L2 coefficient", so that it is read as a penalty; read as
#: scikit-learn's C its support vector machine would all but be a constant (dossier 0.4, B20).
THESIS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "logistic": MappingProxyType({"c": 0.01, "reading": "penalty"}),
        "svm": MappingProxyType({"c": 1e-4, "gamma": 1e-3, "reading": "penalty"}),
        "forest": MappingProxyType({"trees": 20, "split": 3, "leaf": 3}),
    }
)

#: Folds within the training part in which the warmth of a support vector machine's scores is measured.
_INNER_FOLDS: Final = 5
#: Strengths (scikit-learn's C) that `fit_wide` chooses from.
STRENGTHS: Final = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
#: Least probability that a log loss counts with.
_LEAST: Final = 1e-12


def _logistic(
    seed: int, c: float = 1.0, reading: Reading = "inverse", balanced: bool = False
) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(
        C=inverse_strength(c, reading),
        class_weight="balanced" if balanced else None,
        max_iter=5000,
        random_state=seed,
    )


def _svm(
    seed: int,
    c: float = 1.0,
    gamma: float | Literal["scale"] = "scale",
    reading: Reading = "inverse",
    balanced: bool = False,
) -> Any:
    from sklearn.svm import SVC

    if not (gamma == "scale" or (isinstance(gamma, int | float) and gamma > 0)):
        raise UsageError(f"gamma must be positive or 'scale', got {gamma!r}; give e.g. 0.001")
    return SVC(
        C=inverse_strength(c, reading),
        gamma=gamma,
        class_weight="balanced" if balanced else None,
        break_ties=True,
        random_state=seed,
    )


def _forest(
    seed: int, trees: int = 200, split: int = 2, leaf: int = 1, balanced: bool = False
) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    if trees < 1 or split < 2 or leaf < 1:
        raise UsageError(
            f"a forest has trees >= 1, split >= 2 and leaf >= 1, got {trees}, {split}, {leaf}; correct them"
        )
    return RandomForestClassifier(
        n_estimators=trees,
        min_samples_split=split,
        min_samples_leaf=leaf,
        class_weight="balanced" if balanced else None,
        random_state=seed,
    )


#: Every kind of classifier: ``make(seed, **options)`` gives the scikit-learn estimator, not fitted.
KINDS: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType(
    {"logistic": _logistic, "svm": _svm, "forest": _forest}
)


def inverse_strength(c: float, reading: Reading) -> float:
    """scikit-learn's C for a number that a paper calls C.

    Args:
        c: positive.
        reading: ``inverse`` takes it as it is, ``penalty`` as the L2 coefficient, so that C = 1 / c.

    Raises:
        UsageError: if it is not positive, or the reading is unknown.

    Examples:
        >>> inverse_strength(1e-4, "inverse"), inverse_strength(1e-4, "penalty")
        (0.0001, 10000.0)
    """
    if reading not in get_args(Reading):
        raise UsageError(f"C is read as one of {get_args(Reading)}, got {reading!r}; choose one")
    if not (np.isfinite(c) and c > 0):
        raise UsageError(f"C must be positive, got {c}; give e.g. 1.0")
    return float(c) if reading == "inverse" else 1.0 / float(c)


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """A fitted classifier; made by `fit`.

    Args:
        kind: key of `KINDS`.
        estimator: the scikit-learn pipeline from raw features to classes.
        classes: number of classes, also those that training never saw.
        width: number of features.
        temperature: what the scores of a support vector machine are divided by; 1 for the others.
        settings: components and options as given, for the record.
    """

    kind: str
    estimator: Any
    classes: int
    width: int
    temperature: float
    settings: Mapping[str, Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "settings", MappingProxyType(dict(self.settings)))

    def probabilities(self, x: ArrayLike) -> Floats:
        """``(n, classes)`` rows that sum to 1; a class that training never saw has 0.

        Args:
            x: ``(n, width)`` raw features.

        Raises:
            UsageError: if the features are of another width or not finite.
        """
        table = _table(x, self.width)
        out = np.zeros((len(table), self.classes))
        if len(table):
            seen = np.asarray(self.estimator.classes_, np.int64)
            if hasattr(self.estimator, "predict_proba"):
                out[:, seen] = self.estimator.predict_proba(table)
            else:
                out[:, seen] = softmax(_scores(self.estimator, table) / self.temperature)
        return out

    def predict(self, x: ArrayLike) -> NDArray[np.int64]:
        """``(n,)`` positions of the most probable class; the first of equals."""
        return np.asarray(self.probabilities(x).argmax(axis=1), np.int64)


def fit(
    kind: str,
    x: ArrayLike,
    y: ArrayLike,
    *,
    seed: int,
    classes: int | None = None,
    components: int | None = None,
    **options: Any,
) -> Classifier:
    """Fits a classifier, its principal components and its standardisation on one training part.

    Args:
        kind: ``logistic`` (multinomial), ``svm`` (radial basis functions, one against one) or ``forest``.
        x: ``(n, d)`` raw features of the training part, finite.
        y: ``(n,)`` class positions, 0 upwards.
        seed: of components and estimator.
        classes: number of classes; the largest position and one more where ``None``.
        components: principal components before the standardisation; none where ``None``.
        **options: ``c``, ``reading``, ``balanced`` (logistic); also ``gamma`` (svm); ``trees``, ``split``, ``leaf``,
            ``balanced`` (forest).

    Raises:
        UsageError: on an unknown kind or option, features that do not fit the labels, fewer than two classes, or a
            class with a single case for a support vector machine (its probabilities need two).

    Examples:
        >>> model = fit("logistic", [[0.0], [1.0], [4.0], [5.0]], [0, 0, 1, 1], seed=0)
        >>> model.predict([[0.5], [4.5]]).tolist()
        [0, 1]
    """
    table = _table(x)
    labels = _labels(y, table, classes)
    estimator = _pipeline(kind, table, seed, components, options)
    temperature = 1.0
    if kind == "svm":
        temperature = _temperature(estimator, table, labels, seed)
    estimator.fit(table, labels)
    return Classifier(
        kind=kind,
        estimator=estimator,
        classes=int(labels.max()) + 1 if classes is None else classes,
        width=table.shape[1],
        temperature=temperature,
        settings={"components": components, "seed": seed, **options},
    )


def fit_wide(x: ArrayLike, y: ArrayLike, *, seed: int, classes: int | None = None) -> Classifier:
    """A logistic regression on more features than cases, its strength chosen on folds within the training part.

    Every standardised feature is penalised alike. The cases span at most as many directions as there are cases, so the model is
    fitted in these directions, which changes nothing but the time. The strength is the one of `STRENGTHS` that gives the least log
    loss on five inner folds.

    Args:
        x: ``(n, d)`` raw features of the training part, finite.
        y: ``(n,)`` class positions, 0 upwards, each present class at least twice.
        seed: of the folds.
        classes: number of classes; the largest position and one more where ``None``.

    Raises:
        UsageError: if features and labels do not fit, or a class has a single case.
    """
    from sklearn.base import clone
    from sklearn.decomposition import PCA
    from sklearn.model_selection import StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    table = _table(x)
    labels = _labels(y, table, classes)
    names, counts = np.unique(labels, return_counts=True)
    if counts.min() < 2:
        raise UsageError(
            f"class {names[counts.argmin()]} has one case, but a strength chosen on folds needs two of each; give more cases"
        )
    rotation = make_pipeline(StandardScaler(), PCA(svd_solver="full"))
    losses = np.zeros(len(STRENGTHS))
    inner = StratifiedKFold(min(_INNER_FOLDS, int(counts.min())), shuffle=True, random_state=seed)
    for rest, part in inner.split(table, labels):
        own = clone(rotation).fit(table[rest])
        known, new = own.transform(table[rest]), own.transform(table[part])
        truth = np.searchsorted(names, labels[part])
        for place, strength in enumerate(STRENGTHS):
            said = _logistic(seed, strength).fit(known, labels[rest]).predict_proba(new)
            losses[place] -= np.log(np.maximum(said[np.arange(len(part)), truth], _LEAST)).sum()
    c = STRENGTHS[int(losses.argmin())]
    estimator = make_pipeline(*[step for _, step in rotation.steps], _logistic(seed, c))
    return Classifier(
        kind="logistic",
        estimator=estimator.fit(table, labels),
        classes=int(labels.max()) + 1 if classes is None else classes,
        width=table.shape[1],
        temperature=1.0,
        settings={"components": None, "seed": seed, "c": c, "wide": True},
    )


def _pipeline(
    kind: str, table: Floats, seed: int, components: int | None, options: Mapping[str, Any]
) -> Any:
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if kind not in KINDS:
        raise UsageError(f"classifier {kind!r} is unknown; use one of {', '.join(KINDS)}")
    try:
        estimator = KINDS[kind](seed, **options)
    except TypeError as error:
        raise UsageError(
            f"classifier {kind!r} does not take these options ({error}); leave them out"
        ) from error
    if components is None:
        return make_pipeline(StandardScaler(), estimator)
    most = most_components(kind, *table.shape)
    if not 1 <= components <= most:
        raise UsageError(
            f"a {kind} classifier can have 1 to {most} components of {table.shape[0]} cases with {table.shape[1]} "
            f"features, got {components}; ask for fewer or give more cases"
        )
    pca = PCA(components, random_state=seed)
    return make_pipeline(pca, StandardScaler(), estimator)


def most_components(kind: str, cases: int, width: int) -> int:
    """Most components for a table; a support vector machine also fits on parts, the smallest one half of it."""
    return min(width, cases // 2 if kind == "svm" else cases)


def _temperature(estimator: Any, table: Floats, labels: NDArray[np.int64], seed: int) -> float:
    """How warm scores on cases that were not fitted are, from folds within the training part."""
    from sklearn.base import clone
    from sklearn.model_selection import StratifiedKFold

    names, counts = np.unique(labels, return_counts=True)
    if counts.min() < 2:
        raise UsageError(
            f"class {names[counts.argmin()]} has one case, but the probabilities of a support vector machine need "
            "two; give more cases or leave the class out"
        )
    inner = StratifiedKFold(min(_INNER_FOLDS, int(counts.min())), shuffle=True, random_state=seed)
    scores = np.zeros((len(table), len(names)))
    for rest, part in inner.split(table, labels):
        scores[part] = _scores(clone(estimator).fit(table[rest], labels[rest]), table[part])
    return fit_temperature(scores, np.searchsorted(names, labels))


def _scores(estimator: Any, table: Floats) -> Floats:
    """Scores of the classes seen, ``(n, seen)``; two classes share one number."""
    scores = np.asarray(estimator.decision_function(table), np.float64)
    return scores if scores.ndim == 2 else np.stack([-scores, scores], axis=1)


def _table(x: ArrayLike, width: int | None = None) -> Any:
    table = np.asarray(x)
    if table.dtype != np.float32:
        table = np.asarray(table, np.float64)
    if table.ndim != 2 or table.shape[1] == 0 or width not in (None, table.shape[1]):
        raise UsageError(
            f"features must be a table of {'any' if width is None else width} columns, got shape {table.shape}; "
            "give one row for each case"
        )
    if not np.isfinite(table).all():
        raise UsageError("features must be finite; leave out the cases or columns without a number")
    return table


def _labels(y: ArrayLike, table: Floats, classes: int | None) -> NDArray[np.int64]:
    labels = np.asarray(y, np.int64)
    if labels.shape != (len(table),):
        raise UsageError(
            f"{len(table)} cases need as many labels, got shape {labels.shape}; give one for each"
        )
    if not labels.size or labels.min() < 0 or (classes is not None and labels.max() >= classes):
        raise UsageError(
            f"labels are class positions from 0{'' if classes is None else f' to {classes - 1}'}, got "
            f"{sorted(set(labels.tolist()))}; leave out cases without a label"
        )
    if labels.min() == labels.max():
        raise UsageError(
            f"all {len(labels)} cases are of class {labels[0]}; a classifier needs two classes"
        )
    return labels
