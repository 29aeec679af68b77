"""What a staging network reaches on films whose stage is known, with the bound of two levels beside it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from konio import metrics
from konio.errors import RecordError
from konio.hierarchy.bound import recall_bound
from konio.hierarchy.bundle import Staging
from konio.tasks import STAGE


def staging_scores(
    truth: NDArray[np.int64], staging: Staging, said: Sequence[NDArray[np.float64]]
) -> dict[str, Any]:
    """Scores of one level or two on some films.

    Args:
        truth: ``(n,)`` stages 0..3, none missing.
        staging: the network with its cut point.
        said: each level's probabilities, ``(n, K)``.

    Returns:
        Plain data: ``films``, ``accuracy``, ``macro_recall``, ``recall`` by stage, ``confusion``; with two levels also
        ``hierarchy`` (`hierarchy_facts`). A rate without films is ``None``.
    """
    verdicts = staging.verdicts(*said)
    matrix = metrics.confusion(truth, verdicts.stage, len(STAGE))
    recalls = metrics.class_scores(matrix).recall.tolist()
    found: dict[str, Any] = {
        "films": len(truth),
        "accuracy": metrics.accuracy(matrix),
        "macro_recall": metrics.macro_recall(matrix),
        "recall": {
            name: None if np.isnan(value) else value
            for name, value in zip(STAGE.classes, recalls, strict=True)
        },
        "confusion": matrix.tolist(),
    }
    if staging.cut_point is not None:
        found["hierarchy"] = hierarchy_facts(truth, staging, said)
    return found


def hierarchy_facts(
    truth: NDArray[np.int64], staging: Staging, said: Sequence[NDArray[np.float64]]
) -> dict[str, Any]:
    """Cut point, coverage and bound of a two-level result; arguments as for `staging_scores`.

    Returns:
        ``cut_point``, ``coverage`` (part of the films that pass level 1) and ``sentence``; where every stage has a
        film also the numbers of `konio.hierarchy.RecallBound`.
    """
    verdicts = staging.verdicts(*said)
    facts: dict[str, Any] = {
        "cut_point": staging.cut_point,
        "coverage": float(verdicts.passed.mean()),
    }
    staged = 1 + said[1].argmax(axis=1)
    try:
        bound = recall_bound(truth, verdicts.stage, verdicts.passed, staged)
    except RecordError as error:
        return {**facts, "sentence": f"no bound: {error}"}
    plain = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in dataclasses.asdict(bound).items()
    }
    return {**facts, **plain, "slack": bound.slack, "sentence": bound.sentence}
