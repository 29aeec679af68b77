"""Runs of one method as one answer a film: means of probabilities, and the films that two methods share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from konio.report.words import Words
from konio.studies.multitask.report_runs import Evidence, Floats, Positions, Run

#: Where a question is measured.
TEST: Final = Words("test set", "测试集")
FOLDS: Final = Words("cross-validation", "交叉验证")


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """Mean probabilities of several runs, one row a film.

    Args:
        position: ``(n,)`` rows of ``cases.csv``, ascending.
        truth: ``(n,)`` class positions.
        probabilities: ``(n, classes)`` mean over the runs that saw the film.
    """

    position: Positions
    truth: Positions
    probabilities: Floats

    @property
    def predicted(self) -> Positions:
        """Most probable classes, ``(n,)``."""
        return np.asarray(self.probabilities.argmax(axis=1))

    @property
    def right(self) -> NDArray[np.bool_]:
        """Where that is the label, ``(n,)``."""
        return np.asarray(self.predicted == self.truth)

    def at(self, position: Positions) -> Pooled:
        """The rows of these films, all of which must be there."""
        rows = np.searchsorted(self.position, position)
        return Pooled(position, self.truth[rows], self.probabilities[rows])


def pool(runs: Sequence[Run]) -> Pooled | None:
    """Calibrated probabilities averaged over runs, film by film; ``None`` of nothing."""
    if not runs:
        return None
    position = np.concatenate([run.position for run in runs])
    found, place, count = np.unique(position, return_inverse=True, return_counts=True)
    table = np.zeros((len(found), runs[0].logits.shape[1]))
    truth = np.zeros(len(found), np.int64)
    np.add.at(table, place, np.concatenate([run.probabilities() for run in runs]))
    truth[place] = np.concatenate([run.truth for run in runs])
    return Pooled(found, truth, table / count[:, None])


def common(first: Pooled | None, second: Pooled | None) -> tuple[Pooled, Pooled] | None:
    """The films that both saw; ``None`` where there are fewer than two."""
    if first is None or second is None:
        return None
    both = np.intersect1d(first.position, second.position)
    return (first.at(both), second.at(both)) if len(both) > 1 else None


def sources(
    evidence: Evidence, task: str, methods: Sequence[str]
) -> tuple[tuple[Words, dict[str, Pooled]], ...]:
    """Where a question was measured: the test set (mean over seeds) and the held-out films of the cross-validation.

    Args:
        evidence: of the study.
        task: the question.
        methods: keys of `METHODS`.

    Returns:
        Name of the place and method to its answers; places and methods without any are left out.
    """
    found = []
    for name, final in (
        (TEST, True),
        (FOLDS, False),
    ):
        runs = {
            m: evidence.of(task, m, "final") if final else evidence.best(task, m) for m in methods
        }
        pooled = {m: p for m, own in runs.items() if (p := pool(own)) is not None}
        if pooled:
            found.append((name, pooled))
    return tuple(found)
